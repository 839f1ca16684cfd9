#include "collector/net/tls.h"

#include <openssl/ssl.h>

#include "collector/net/secret_file.h"

namespace ballast::net {

namespace ssl = boost::asio::ssl;

Result<std::unique_ptr<ssl::context>> MakeTlsContext(const TlsFiles& files) {
  if (files.certificate.empty() != files.key.empty())
    return Error::Invalid("TLS needs both a certificate and its key");
  if (files.certificate.empty() && !files.client_ca.empty())
    return Error::Invalid("client certificates need TLS: name a certificate and its key");
  if (files.certificate.empty()) return std::unique_ptr<ssl::context>();
  BALLAST_TRY_DO(CheckSecretFile(files.key), "TLS key");
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  const auto failed = [&](const std::string& file) { return Error(error, "TLS: " + file); };
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context->native_handle(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (context->use_certificate_chain_file(files.certificate, error))
    return failed(files.certificate);
  if (context->use_private_key_file(files.key, ssl::context::pem, error)) return failed(files.key);
  if (files.client_ca.empty()) return context;
  if (context->load_verify_file(files.client_ca, error)) return failed(files.client_ca);
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  if (error) return failed(files.client_ca);
  return context;
}

}  // namespace ballast::net
