#pragma once

#include <string>

namespace ballast::net {

// Files in PEM, read once, at the start. Certificate and key: both or none.
struct TlsFiles {
  std::string certificate;  // the chain, the server's own first
  std::string key;          // readable by owner and group alone
  std::string client_ca;    // set: only clients whose certificate it signed
};

}  // namespace ballast::net
