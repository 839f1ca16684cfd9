// TLS, credentials and the Host header, with curl and openssl as clients of another project.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <crypt.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "collector/net/http_server.h"
#include "tests/support/http_client.h"

namespace ballast::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kToken = "0123456789abcdef-token";

std::string Shell(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) output += line;
  ::pclose(pipe);
  return output;
}

class SecureServerTest : public ::testing::Test {
 protected:
  SecureServerTest() {
    char name[] = "/tmp/ballast-secure-XXXXXX";
    folder_ = ::mkdtemp(name);
    options_.listen = "127.0.0.1:0";
  }
  ~SecureServerTest() override {
    if (thread_.joinable()) {
      loop_.Stop();
      thread_.join();
    }
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  void MakeCertificate() {
    Shell(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
        folder_ + "/key.pem -out " + folder_ + "/cert.pem");
    ::chmod((folder_ + "/key.pem").c_str(), 0600);
    options_.tls = {folder_ + "/cert.pem", folder_ + "/key.pem", ""};
  }
  Result<> Listen() {
    auto server = HttpServer::Listen(loop_, options_,
                                     {.handle =
                                          [](const Request& request) {
                                            Response response;
                                            response.body = "hello " + request.scope + "\n";
                                            return response;
                                          },
                                      .on_refused = {}});
    if (!server) return std::move(server).error();
    server_ = *std::move(server);
    return Ok();
  }
  void Start() {
    const auto listening = Listen();
    ASSERT_TRUE(listening) << listening.error().ToString();
    port_ = std::to_string(server_->port());
    thread_ = std::thread([this] { loop_.Run(); });
  }
  std::string Curl(const std::string& arguments, const std::string& scheme = "http") const {
    return Shell("curl -s -m 10 -i " + arguments + " " + scheme + "://127.0.0.1:" + port_ + "/x");
  }
  std::string Ask(const std::string& headers) const {
    test::RawHttpClient client(static_cast<unsigned short>(std::stoi(port_)));
    client.Send("GET /x HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n");
    return client.ReadAll();
  }

  std::string folder_, port_;
  HttpServerOptions options_;
  EventLoop loop_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

std::string HashOf(const char* password, const char* prefix) {
  char salt[CRYPT_GENSALT_OUTPUT_SIZE];
  crypt_data data{};
  ::crypt_gensalt_rn(prefix, 0, nullptr, 0, salt, sizeof salt);
  return ::crypt_r(password, salt, &data);
}

TEST_F(SecureServerTest, TlsIsSpokenWithACertificate) {
  MakeCertificate();
  Start();

  EXPECT_THAT(Curl("--cacert " + folder_ + "/cert.pem", "https"), HasSubstr("hello"));
}

TEST_F(SecureServerTest, TlsConnectionIsKeptForTheNextRequest) {
  MakeCertificate();
  Start();
  const std::string url = "https://127.0.0.1:" + port_ + "/x ";

  const auto twice =
      Shell("curl -s -m 10 -o /dev/null -o /dev/null -w '%{num_connects};' --cacert " + folder_ +
            "/cert.pem " + url + url);

  EXPECT_EQ(twice, "1;0;");
}

TEST_F(SecureServerTest, OldTlsIsRefused) {
  MakeCertificate();
  Start();

  EXPECT_THAT(Curl("-k --tls-max 1.1", "https"), Not(HasSubstr("hello")));
}

TEST_F(SecureServerTest, PlainRequestToATlsPortIsToldSo) {
  MakeCertificate();
  Start();

  EXPECT_THAT(Ask("Host: localhost\r\n"), HasSubstr("this port speaks TLS; use https://"));
}

TEST_F(SecureServerTest, ClientWithoutACertificateIsRefusedWhereOneIsWanted) {
  MakeCertificate();
  options_.tls.client_ca = folder_ + "/cert.pem";
  Start();
  const std::string trust = "--cacert " + folder_ + "/cert.pem ";

  const auto without = Curl(trust, "https");
  const auto with =
      Curl(trust + "--cert " + folder_ + "/cert.pem --key " + folder_ + "/key.pem", "https");

  EXPECT_THAT(without, Not(HasSubstr("hello")));
  EXPECT_THAT(with, HasSubstr("hello"));
}

TEST_F(SecureServerTest, TokenOpensAndItsAbsenceOrErrorDoesNot) {
  options_.auth.bearer_tokens = Write("tokens", std::string("# of Prometheus\n") + kToken + "\n");
  Start();

  EXPECT_THAT(Ask("Host: localhost\r\n"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Curl("-H 'Authorization: Bearer wrong'"), HasSubstr("WWW-Authenticate: Bearer"));
  EXPECT_THAT(Curl(std::string("-H 'Authorization: Bearer ") + kToken + "'"), HasSubstr("hello"));
}

TEST_F(SecureServerTest, TokensLimitIsTheRequestsScope) {
  options_.auth.bearer_tokens =
      Write("tokens", std::string(kToken) + " namespace=red\nanother-token-0123456789\n");
  Start();

  EXPECT_THAT(Curl(std::string("-H 'Authorization: Bearer ") + kToken + "'"),
              HasSubstr("hello namespace=red\n"));
  EXPECT_THAT(Curl("-H 'Authorization: Bearer another-token-0123456789'"), HasSubstr("hello \n"));
}

TEST_F(SecureServerTest, PasswordOfEachHashOpens) {
  options_.auth.users =
      Write("users", "ann:" + HashOf("one", "$y$") + "\nbob:" + HashOf("two", "$2b$") +
                         "\ncy:" + HashOf("three", "$6$") + " agent=cy\n");
  Start();

  EXPECT_THAT(Curl("-u ann:one"), HasSubstr("hello \n"));
  EXPECT_THAT(Curl("-u bob:two"), HasSubstr("hello \n"));
  EXPECT_THAT(Curl("-u cy:three"), HasSubstr("hello agent=cy\n"));
  EXPECT_THAT(Curl("-u ann:one"), HasSubstr("hello \n"));  // remembered
}

TEST_F(SecureServerTest, WrongPasswordUnknownUserAndNoiseAreRefused) {
  options_.auth.users = Write("users", "ann:" + HashOf("one", "$6$") + "\n");
  Start();

  EXPECT_THAT(Curl("-u ann:two"), HasSubstr("401 Unauthorized"));
  EXPECT_THAT(Curl("-u bob:one"), HasSubstr("401 Unauthorized"));
  for (const char* noise : {"Basic", "Basic ", "Basic !!!!", "Basic YQ==", "basic", "Digest x"})
    EXPECT_THAT(Ask(std::string("Host: localhost\r\nAuthorization: ") + noise + "\r\n"),
                HasSubstr("401 Unauthorized"))
        << noise;
}

TEST_F(SecureServerTest, OpenPathNeedsNoCredentials) {
  options_.auth.bearer_tokens = Write("tokens", kToken);
  options_.open_paths = {"/x"};
  Start();

  EXPECT_THAT(Ask("Host: localhost\r\n"), HasSubstr("200 OK"));
}

struct FileCase {
  const char* name;
  const char* text;
  mode_t mode;
  const char* says;
};
void PrintTo(const FileCase& c, std::ostream* out) {
  *out << c.name;
}
class BadUsersTest : public SecureServerTest, public ::testing::WithParamInterface<FileCase> {};

TEST_P(BadUsersTest, IsOneClearErrorWithoutTheSecret) {
  options_.auth.users = Write("users", GetParam().text, GetParam().mode);

  const auto listening = Listen();

  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().ToString(), HasSubstr(GetParam().says));
  EXPECT_THAT(listening.error().ToString(), Not(HasSubstr("hunter2")));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadUsersTest,
    ::testing::Values(FileCase{"PlainPassword", "ann:hunter2\n", 0600, "none that crypt(3) knows"},
                      FileCase{"NoColon", "hunter2\n", 0600, "write user:hash"},
                      FileCase{"ReadableByAll", "ann:$6$a$b\n", 0644, "can be read by everybody"},
                      FileCase{"Empty", "# nobody\n\n", 0600, "holds no entry"}),
    [](const auto& test) { return test.param.name; });

TEST_F(SecureServerTest, KeyThatAllCanReadIsOneClearError) {
  MakeCertificate();
  ::chmod((folder_ + "/key.pem").c_str(), 0644);

  const auto listening = Listen();

  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().ToString(), HasSubstr("key.pem can be read by everybody"));
}

TEST_F(SecureServerTest, CertificateWithoutKeyIsOneClearError) {
  MakeCertificate();
  options_.tls.key = "";

  const auto listening = Listen();

  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().ToString(), HasSubstr("both a certificate and its key"));
}

struct HostCase {
  const char* name;
  const char* header;
  int status;
};
void PrintTo(const HostCase& c, std::ostream* out) {
  *out << c.name;
}
class HostTest : public SecureServerTest, public ::testing::WithParamInterface<HostCase> {};

TEST_P(HostTest, LoopbackAnswersOnlyToItsOwnNames) {
  options_.hosts = {"ballast.example.org"};
  Start();

  EXPECT_THAT(Ask(GetParam().header),
              StartsWith("HTTP/1.1 " + std::to_string(GetParam().status) + " "));
}

INSTANTIATE_TEST_SUITE_P(
    Table, HostTest,
    ::testing::Values(HostCase{"Localhost", "Host: localhost:9435\r\n", 200},
                      HostCase{"Address", "Host: 127.0.0.1:9435\r\n", 200},
                      HostCase{"AddressOfSix", "Host: [::1]:9435\r\n", 200},
                      HostCase{"MachinesName", "Host: agents7\r\n", 200},
                      HostCase{"BelowLocalhost", "Host: ballast.localhost\r\n", 200},
                      HostCase{"Configured", "Host: Ballast.Example.org:1\r\n", 200},
                      HostCase{"Rebound", "Host: evil.example.com\r\n", 421},
                      HostCase{"ReboundWithADot", "Host: evil.example.com.\r\n", 421},
                      HostCase{"LooksLikeAnAddress", "Host: 127.0.0.1.evil.com\r\n", 421},
                      HostCase{"None", "", 400}, HostCase{"Empty", "Host: \r\n", 421},
                      HostCase{"Two", "Host: localhost\r\nHost: evil.example.com\r\n", 400}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ballast::net
