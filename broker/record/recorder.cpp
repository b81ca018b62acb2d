#include "broker/record/recorder.hpp"

#include <system_error>
#include <utility>

#include "broker/record/format.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker::record {
namespace {

constexpr std::uint64_t kEndBytes = 256;  // room for the last record, which says why there is no more

}  // namespace

Recorder::Recorder(const std::string& path, std::uint64_t most_bytes, const Options& options) try
    : path_(path), most_bytes_(most_bytes), file_(path_) {
  write_head(options);
} catch (const std::system_error& error) {
  const std::string name = "--record " + escaped(path);
  if (error.code() == std::errc::file_exists) {
    throw RecordError(name + ": the file exists, and may be a recording that somebody wants; remove it or name another");
  }
  throw RecordError(name + " cannot be written: " + error.code().message());
}

void Recorder::write_head(const Options& options) {
  Writer head;
  head.put_fixed(kFormat);
  file_.append(std::string(kMagic) + head.bytes());
  bytes_ += kFileHeadBytes;
  body_.put_byte(kHeadTag);
  body_.put(std::string(STINT_VERSION));
  body_.put(kOptionNames.size());
  std::size_t i = 0;
  for_each_field(options, [&](const auto& field) {
    Writer value;
    value.put(field);
    body_.put(std::string(kOptionNames.at(i++)));
    body_.put(value.bytes());
  });
  finish_record();
}

void Recorder::told(const Input& input) {
  if (!open_) return;
  loop_ = std::this_thread::get_id();
  std::visit(
      [this]<class Each>(const Each& each) {
        body_.put_byte(Each::kTag);
        body_.put(each);
      },
      input);
}

void Recorder::answered(const std::vector<Action>& actions) {
  if (!open_) return;
  body_.put_byte(1);
  body_.put(actions.size());
  for (const Action& action : actions) {
    const Output output = output_of(action);
    body_.put_byte(output.kind);
    body_.put_fixed(output.checksum);
  }
  finish_record();
}

void Recorder::promise_is_broken() {
  if (open_ && loop_ == std::this_thread::get_id()) {
    if (!body_.bytes().empty()) {
      body_.put_byte(0);
      finish_record();
    }
    end("the broker broke a promise");
  }
  file_.flush();
}

void Recorder::end(std::string_view reason) {
  if (!open_) return;
  open_ = false;
  body_.clear();
  body_.put_byte(kEndTag);
  body_.put(std::string(reason));
  most_bytes_ += kEndBytes;
  finish_record();
}

std::optional<std::string> Recorder::news() { return std::exchange(news_, std::nullopt); }

void Recorder::finish_record() {
  const std::string& body = body_.bytes();
  const std::uint64_t size = kRecordHeadBytes + body.size() + kRecordTailBytes;
  if (bytes_ + size + kEndBytes > most_bytes_) {
    give_up("has reached its limit of " + std::to_string(most_bytes_) + " bytes (--record-bytes)");
    return;
  }
  frame_.clear();
  frame_.put_fixed(static_cast<std::uint32_t>(body.size()));
  frame_.put_fixed(check_of(records_, static_cast<std::uint32_t>(body.size())));
  frame_.put_raw(body);
  frame_.put_fixed(checksum_of(body));
  body_.clear();
  if (!file_.append(frame_.bytes())) {
    open_ = false;
    news_ = "the recording " + escaped(path_) + " ends here, because " + file_.error() + "; the broker goes on without it";
    return;
  }
  bytes_ += size;
  ++records_;
}

void Recorder::give_up(std::string why) {
  end("it " + why);
  news_ = "the recording " + escaped(path_) + " " + why + " and ends here; the broker goes on without it";
}

}  // namespace stint::broker::record
