#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"
#include "collector/net/event_loop.h"

namespace ballast::net {

// Who may ask. Secrets come from files, never from arguments; nobody but owner and group may read
// them.
struct AuthFiles {
  // A token a line: Authorization: Bearer TOKEN.
  std::string bearer_tokens;
  // user:hash a line, hash as crypt(3) has it ($y$ yescrypt, $2b$ bcrypt, $6$ SHA-512): Basic.
  // `mkpasswd` and `htpasswd -B` make them.
  std::string users;
};
// In both files a line may end in " label=value": then that client sees only such workloads.

// Checks the Authorization header of requests.
//
// Tokens are compared at once, in constant time. Passwords are hashed by a thread of its own,
// because that costs a good hash tens of milliseconds; what was right is remembered, and an unknown
// user costs as much as a wrong password. At most kMaxPending wait; more are told to come again.
//
// Belongs to the loop's thread, but for the hashing.
class Authenticator {
 public:
  static constexpr int kMaxPending = 8;

  enum class Verdict { kYes, kNo, kBusy };
  // `scope`: the line's label=value, or empty.
  using Done = std::function<void(Verdict verdict, const std::string& scope)>;

  // null: no file is named, and everybody may ask. Errors name file and line.
  static Result<std::unique_ptr<Authenticator>> Open(EventLoop& loop, const AuthFiles& files);
  ~Authenticator();

  // Calls `done` once, on the loop's thread, perhaps before it returns.
  void Check(std::string_view authorization, Done done);
  // Value of WWW-Authenticate.
  std::string challenge() const;
  // Every label=value of the files, for who knows which labels there are.
  std::vector<std::string> scopes() const;

 private:
  struct Impl;
  explicit Authenticator(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with a hash that is being computed
};

}  // namespace ballast::net
