#include "tools/stint/result_printer.hpp"

#include <charconv>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "tools/show/text.hpp"

namespace stint::tool {

ResultPrinter::Stop ResultPrinter::follow(Job& job) {
  for (;;) {
    if (!take_all(job)) return Stop::nobody_reads;
    if (job.ended()) return Stop::ended;
    if (auto result = job.next()) take(*result);
  }
}

ResultPrinter::Stop ResultPrinter::read_so_many(Job& job, std::uint64_t count) {
  while (written_ < count) {
    if (!take_all(job)) return Stop::nobody_reads;
    if (job.ended()) return Stop::ended;
    if (written_ >= count) break;
    if (auto result = job.next()) take(*result);
  }
  return flush(job) ? Stop::nothing_more : Stop::nobody_reads;
}

// How far the results go without a gap, only the broker knows: it sends them as far as our window goes, and then answers a question that
// it got behind our request, in which it says whether some are still being read from the disk. Our first question may overtake that
// request, so there are two.
ResultPrinter::Stop ResultPrinter::read_to_gap(Job& job, const std::function<bool()>& is_all_sent) {
  for (int quiet = 0; quiet < 2;) {
    const std::uint64_t before = written_;
    if (!take_all(job)) return Stop::nobody_reads;
    if (job.ended()) return Stop::ended;
    quiet = is_all_sent() && written_ == before ? quiet + 1 : 0;
  }
  return take_all(job) ? Stop::nothing_more : Stop::nobody_reads;
}

bool ResultPrinter::take_all(Job& job) {
  while (auto result = job.try_next()) {
    take(*result);
    if (buffer_.size() >= limits::kWriteBytes && !flush(job)) return false;
  }
  return flush(job);
}

void ResultPrinter::take(const TaskResult& result) {
  ++written_;
  taken_upto_ = result.position;
  is_unacknowledged_ = true;
  if (result.state == TaskState::failed && !format_.json) {
    if (auto line = failures_.told(now(), result); line && !format_.failed_only) console_.add(*line);
  }
  if (format_.failed_only && result.state != TaskState::failed) return;
  if (format_.json) return append_json(buffer_, format_.job, result);
  if (format_.failed_only) {
    buffer_ += "task " + std::to_string(result.index) + " attempt " + std::to_string(result.attempt) + " " +
               failure_text(result) + "\n";
    return;
  }
  if (result.state != TaskState::done) return;
  buffer_ += result.result;
  if (result.result.empty() || result.result.back() != format_.separator) buffer_ += format_.separator;
}

bool ResultPrinter::flush(Job& job) {
  is_writing_ = true;
  const bool is_read = buffer_.empty() || output_.write(buffer_);
  is_writing_ = false;
  if (!is_read) return false;
  buffer_.clear();
  if (is_unacknowledged_) job.ack(taken_upto_);
  is_unacknowledged_ = false;
  return true;
}

namespace {

void append_number(std::string& out, std::string_view name, auto number) {
  char digits[40];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out += name;
  out.append(digits, end);
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += "\\u00";
        out += "0123456789abcdef"[c >> 4];
        out += "0123456789abcdef"[c & 15];
    }
  }
  out += text.substr(plain);
  out += '"';
}

// Words for people: what is no UTF-8 is escaped.
void append_text(std::string& out, std::string_view text) {
  if (is_utf8(text)) return append_string(out, text);
  append_string(out, escaped(text));
}

}  // namespace

void append_json(std::string& out, JobId job, const TaskResult& result) {
  append_number(out, "{\"job\":", value(job));
  append_number(out, ",\"index\":", result.index);
  out += ",\"state\":";
  append_string(out, to_string(result.state));
  append_number(out, ",\"attempt\":", result.attempt);
  out += ",\"worker\":";
  append_text(out, result.worker);
  append_number(out, ",\"seconds\":", static_cast<double>(result.took.count()) / 1e6);
  if (is_utf8(result.result)) {
    out += ",\"result\":";
    append_string(out, result.result);
  } else {
    out += ",\"result_b64\":";
    append_string(out, to_base64(result.result));
  }
  out += ",\"error\":";
  append_text(out, result.error);
  append_number(out, ",\"exit\":", result.exit);
  append_number(out, ",\"signal\":", result.signal);
  if (result.state == TaskState::failed) {
    out += ",\"failure\":";
    append_string(out, to_string(result.failure));
  }
  out += "}\n";
}

}  // namespace stint::tool
