#include "collector/net/secret_file.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <cerrno>

#include "collector/base/file.h"

namespace ballast::net {

Result<> CheckSecretFile(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return Error::FromErrno(errno, path);
  if (!S_ISREG(status.st_mode)) return Error::Invalid(path + " is no regular file");
  if ((status.st_mode & S_IRWXO) != 0)
    return Error::Invalid(path + " can be read by everybody; run: chmod o= " + path);
  return Ok();
}

Result<std::vector<std::string>> ReadSecretLines(const std::string& path) {
  BALLAST_TRY_DO(CheckSecretFile(path), "secret");
  BALLAST_TRY(const std::string text, ReadSmallFile(path), "secret");
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    lines.emplace_back(line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1));
  }
  return lines;
}

bool IsSameSecret(std::string_view a, std::string_view b) {
  unsigned char of_a[SHA256_DIGEST_LENGTH], of_b[SHA256_DIGEST_LENGTH];
  const auto* bytes_a = reinterpret_cast<const unsigned char*>(a.data());
  const auto* bytes_b = reinterpret_cast<const unsigned char*>(b.data());
  ::SHA256(bytes_a, a.size(), of_a);
  ::SHA256(bytes_b, b.size(), of_b);
  return ::CRYPTO_memcmp(of_a, of_b, sizeof of_a) == 0;
}

}  // namespace ballast::net
