#include "limiter/limits.h"

#include <utility>

#include "limiter/tree.h"

namespace limiter {

namespace {

// As a command spells it: what would end the part is written %XX; so are control bytes, which have
// no place in a listing.
void append_spelled(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte != 0x7f && c != ',' && c != '=' && c != '%') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

}  // namespace

std::string to_string(std::string_view part) {
  std::string out;
  append_spelled(out, part);
  return out;
}

std::string to_string(Descriptor descriptor) {
  std::string out;
  for (const Entry& entry : descriptor) {
    if (!out.empty()) out += ',';
    append_spelled(out, entry.key);
    out += '=';
    append_spelled(out, entry.value);
  }
  return out;
}

std::string default_name(std::string_view full_key, size_t position) {
  std::string name(full_key);
  if (position > 0) name += "#" + std::to_string(position + 1);
  return name;
}

Limits::Limits() : names_(std::make_unique<NameMap>()) {}
Limits::~Limits() = default;

base::Result<std::shared_ptr<const Limits>> Limits::compile(std::vector<DomainSpec> specs,
                                                            Laws& laws) {
  const std::vector<SpecError> errors = check(specs);
  if (!errors.empty()) return base::invalid(errors.front().what);
  auto limits = std::make_shared<Limits>();
  for (DomainSpec& spec : specs) {
    const auto number = static_cast<uint32_t>(limits->domains_.size());
    limits->names_->insert(spec.name, number);
    Domain& domain =
        *limits->domains_.emplace_back(std::make_unique<Domain>(std::move(spec.name), number));
    if (auto added = domain.add(std::move(spec.nodes), laws); !added) return added.error();
  }
  return std::shared_ptr<const Limits>(std::move(limits));
}

const Limits::Domain* Limits::find(std::string_view domain) const {
  const uint32_t number = names_->find(domain);
  return number == NameMap::kNone ? nullptr : domains_[number].get();
}

std::span<const Limit> Limits::match(const Domain& domain, Descriptor descriptor,
                                     std::string& key) {
  key.assign(domain.prefix());
  const Level* level = &domain.top();
  const Node* node = nullptr;
  for (const Entry& entry : descriptor) {
    node = level->find(entry);
    if (node == nullptr) return {};
    append_part(key, node->shared ? node->key : entry.key);
    append_part(key, node->shared ? node->value : entry.value);
    level = &node->below;
  }
  if (node == nullptr) return {};
  return node->limits;
}

std::vector<const Limit*> Limits::list(std::string_view domain) const {
  std::vector<const Limit*> all;
  for (const auto& each : domains_) {
    if (!domain.empty() && each->name() != domain) continue;
    all.insert(all.end(), each->in_file_order().begin(), each->in_file_order().end());
  }
  return all;
}

std::vector<std::string> Limits::domains() const {
  std::vector<std::string> names;
  for (const auto& domain : domains_) names.push_back(domain->name());
  return names;
}

}  // namespace limiter
