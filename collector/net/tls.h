#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "collector/base/result.h"
#include "collector/net/tls_files.h"

namespace ballast::net {

// TLS 1.2 and newer, OpenSSL's own choice of ciphers. null: no file is named.
// An error names the file and what is wrong with it; a key that others can read is one.
Result<std::unique_ptr<boost::asio::ssl::context>> MakeTlsContext(const TlsFiles& files);

}  // namespace ballast::net
