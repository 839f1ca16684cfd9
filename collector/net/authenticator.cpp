#include "collector/net/authenticator.h"

#include <crypt.h>
#include <openssl/sha.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <map>
#include <optional>
#include <thread>

#include "collector/net/secret_file.h"

namespace ballast::net {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

// Credentials that were right; forgotten together when there are more.
constexpr std::size_t kMaxRemembered = 256;

struct Entry {
  std::string user;    // tokens: empty
  std::string secret;  // the token, or the hash
  std::string scope;
};

Digest DigestOf(std::string_view text) {
  Digest digest;
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

bool IsScheme(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return false;
  return std::ranges::equal(header.substr(0, scheme.size()), scheme, {},
                            [](char c) { return static_cast<char>(c | 0x20); });
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  namespace base64 = boost::beast::detail::base64;
  std::string plain(base64::decoded_size(text.size()), '\0');
  while (text.ends_with('=')) text.remove_suffix(1);
  const auto [written, read] = base64::decode(plain.data(), text.data(), text.size());
  if (read != text.size()) return std::nullopt;
  plain.resize(written);
  return plain;
}

// Whether the hash is one that libcrypt computes.
bool IsHash(const std::string& hash) {
  return ::crypt_checksalt(hash.c_str()) == CRYPT_SALT_OK && hash.starts_with('$');
}

bool MatchesHash(const std::string& password, const std::string& hash) {
  crypt_data data{};
  const char* made = ::crypt_r(password.c_str(), hash.c_str(), &data);
  return made != nullptr && made[0] != '*' && IsSameSecret(made, hash);
}

Result<std::vector<Entry>> ReadEntries(const std::string& path, bool has_users) {
  std::vector<Entry> entries;
  if (path.empty()) return entries;
  BALLAST_TRY(const auto lines, ReadSecretLines(path), "credentials");
  for (const std::string& line : lines) {
    Entry entry;
    const std::size_t space = line.find_first_of(" \t");
    entry.secret = line.substr(0, space);
    if (space != std::string::npos) entry.scope = line.substr(line.find_first_not_of(" \t", space));
    const std::size_t equals = entry.scope.find('=');
    // The line itself is a secret, and so is not shown.
    const auto wrong = [&](std::string_view what) {
      return Error::Invalid(path + ": entry " + std::to_string(entries.size() + 1) + ": " +
                            std::string(what));
    };
    if (space != std::string::npos && (equals == 0 || equals == std::string::npos))
      return wrong("behind the secret stands label=value, or nothing");
    if (has_users) {
      const std::size_t colon = entry.secret.find(':');
      if (colon == 0 || colon == std::string::npos) return wrong("write user:hash");
      entry.user = entry.secret.substr(0, colon);
      entry.secret.erase(0, colon + 1);
      if (!IsHash(entry.secret))
        return wrong("the hash is none that crypt(3) knows; make one with mkpasswd");
    } else if (entry.secret.size() < 16) {
      return wrong("a token needs at least 16 characters");
    }
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return Error::Invalid(path + ": holds no entry; nobody could ask");
  return entries;
}

}  // namespace

struct Authenticator::Impl {
  explicit Impl(EventLoop& home) : loop(home) {}
  ~Impl() {
    if (!hashing.joinable()) return;
    hasher.Stop();
    hashing.join();
  }

  EventLoop& loop;
  std::vector<Entry> tokens, users;
  std::map<Digest, std::string> remembered;  // of whole headers -> scope
  int pending = 0;
  EventLoop hasher;
  std::thread hashing;
};

Result<std::unique_ptr<Authenticator>> Authenticator::Open(EventLoop& loop,
                                                           const AuthFiles& files) {
  if (files.bearer_tokens.empty() && files.users.empty()) return std::unique_ptr<Authenticator>();
  auto impl = std::make_shared<Impl>(loop);
  BALLAST_TRY(impl->tokens, ReadEntries(files.bearer_tokens, false), "bearer tokens");
  BALLAST_TRY(impl->users, ReadEntries(files.users, true), "users");
  if (!impl->users.empty()) {
    impl->hashing = std::thread([raw = impl.get()] {
      ::pthread_setname_np(::pthread_self(), "ballast-auth");
      raw->hasher.Run();
    });
  }
  return std::unique_ptr<Authenticator>(new Authenticator(std::move(impl)));
}

Authenticator::Authenticator(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Authenticator::~Authenticator() = default;

std::string Authenticator::challenge() const {
  return impl_->users.empty() ? "Bearer realm=\"ballast\"" : "Basic realm=\"ballast\"";
}

std::vector<std::string> Authenticator::scopes() const {
  std::vector<std::string> all;
  for (const auto* entries : {&impl_->tokens, &impl_->users})
    for (const Entry& entry : *entries)
      if (!entry.scope.empty()) all.push_back(entry.scope);
  return all;
}

void Authenticator::Check(std::string_view authorization, Done done) {
  if (IsScheme(authorization, "bearer")) {
    const Entry* found = nullptr;
    // All of them, whichever it is.
    for (const Entry& entry : impl_->tokens)
      if (IsSameSecret(entry.secret, authorization.substr(7))) found = &entry;
    return found == nullptr ? done(Verdict::kNo, "") : done(Verdict::kYes, found->scope);
  }
  if (impl_->users.empty() || !IsScheme(authorization, "basic")) return done(Verdict::kNo, "");
  const Digest digest = DigestOf(authorization);
  if (const auto known = impl_->remembered.find(digest); known != impl_->remembered.end())
    return done(Verdict::kYes, known->second);
  auto plain = DecodeBase64(authorization.substr(6));
  const std::size_t colon = plain ? plain->find(':') : std::string::npos;
  if (colon == std::string::npos) return done(Verdict::kNo, "");
  if (impl_->pending >= kMaxPending) return done(Verdict::kBusy, "");
  ++impl_->pending;
  const std::string user = plain->substr(0, colon);
  const auto found = std::ranges::find(impl_->users, user, &Entry::user);
  const bool is_known = found != impl_->users.end();
  // Somebody's hash is computed even for nobody: the time must not tell who exists.
  const Entry& entry = is_known ? *found : impl_->users.front();
  impl_->hasher.Post([weak = std::weak_ptr(impl_), raw = impl_.get(), is_known, entry, digest,
                      password = plain->substr(colon + 1), done = std::move(done)] {
    const bool is_right = MatchesHash(password, entry.secret) && is_known;
    raw->loop.Post([weak, is_right, scope = entry.scope, digest, done] {
      const auto impl = weak.lock();
      if (!impl) return;
      --impl->pending;
      if (is_right && impl->remembered.size() >= kMaxRemembered) impl->remembered.clear();
      if (is_right) impl->remembered.emplace(digest, scope);
      done(is_right ? Verdict::kYes : Verdict::kNo, scope);
    });
  });
}

}  // namespace ballast::net
