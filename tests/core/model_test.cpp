// The values that everything is made of.
#include <doctest/doctest.h>

#include "common/model/batch.hpp"
#include "common/model/blob.hpp"
#include "common/model/digest.hpp"
#include "common/model/escape.hpp"
#include "common/model/outcome.hpp"
#include "common/model/row.hpp"
#include "stint/job.hpp"
#include "stint/task.hpp"

namespace stint {
namespace {

Batch batch_of(const std::vector<std::string>& payloads) {
  BatchBuilder builder;
  for (const std::string& payload : payloads) builder.add(payload);
  return builder.take();
}

std::vector<std::string> payloads_of(const Batch& batch) {
  std::vector<std::string> payloads;
  for (BatchCursor at(batch); !at.done(); at.next()) {
    CHECK(at.blob().view() == at.view());
    payloads.emplace_back(at.view());
  }
  return payloads;
}

TEST_CASE("a blob shares its owner") {
  const Blob text = Blob::copy_of("hello world");
  const Blob word = text.slice(6, 5);
  CHECK(word.view() == "world");
  CHECK(word.owner() == text.owner());
  CHECK(word.slice(1, 3).view() == "orl");
  CHECK(text.slice(11, 0).owner() == nullptr);
  CHECK(Blob().view().empty());
  CHECK(Blob::copy_of("").owner() == nullptr);
  Blob moved = text;
  Blob other = std::move(moved);
  CHECK(other == text);
  CHECK(moved.empty());  // NOLINT: what is moved from is empty, and stays usable
  other = word;
  CHECK(other.view() == "world");
}

TEST_CASE("a small slice of a large owner is copied when it is compacted") {
  const Blob text = Blob::own(std::string(1000, 'x'));
  CHECK(text.slice(0, 10).compact().owner() != text.owner());
  CHECK(text.slice(0, 10).compact().view() == std::string(10, 'x'));
  CHECK(text.slice(0, 600).compact().owner() == text.owner());
}

TEST_CASE("sizes are one number while all are alike, else a table") {
  const Sizes alike = Sizes::of({3, 3, 3});
  CHECK(alike.is_uniform());
  CHECK(alike.total() == 9);
  CHECK(alike.slice(1, 2) == Sizes::uniform(3, 2));
  const Sizes mixed = Sizes::of({1, 70'000, 0, 3});
  CHECK_FALSE(mixed.is_uniform());
  CHECK(mixed.count() == 4);
  CHECK(mixed.at(1) == 70'000);
  CHECK(mixed.total() == 70'004);
  CHECK(mixed.total(2, 2) == 3);
  CHECK(mixed.slice(1, 3) == Sizes::of({70'000, 0, 3}));
  CHECK(Sizes::of({}).count() == 0);
  CHECK(Sizes::of({}).total() == 0);
}

TEST_CASE("payloads are gathered, walked through and sliced") {
  for (const auto& payloads :
       std::vector<std::vector<std::string>>{{}, {"a"}, {"aa", "bb", "cc"}, {"", "", ""}, {"a", "", "long one", "b"}}) {
    const Batch batch = batch_of(payloads);
    CHECK(payloads_of(batch) == payloads);
    for (std::uint32_t first = 0; first < payloads.size(); ++first) {
      for (std::uint32_t count = 0; first + count <= payloads.size(); ++count) {
        CHECK(payloads_of(batch.slice(first, count)) ==
              std::vector<std::string>(payloads.begin() + first, payloads.begin() + first + count));
      }
    }
  }
  BatchBuilder builder;
  builder.add("a");
  builder.take();
  CHECK(builder.empty());
  CHECK(builder.bytes() == 0);
}

TEST_CASE("indices are a run where they are consecutive") {
  CHECK(Indices(std::vector<Index>{4, 5, 6}).is_run());
  CHECK(Indices(std::vector<Index>{4, 5, 6}) == Indices(Run{4, 3}));
  const Indices table(std::vector<Index>{4, 6, 7});
  CHECK_FALSE(table.is_run());
  CHECK(table.at(1) == 6);
  CHECK(table.slice(1, 2) == Indices(Run{6, 2}));
  CHECK(Indices(Run{4, 3}).slice(1, 1) == Indices(Run{5, 1}));
  CHECK(Indices(std::vector<Index>{}).count() == 0);
}

TEST_CASE("outcomes keep two outputs for each task, and their slices are outcomes") {
  OutcomesBuilder builder;
  builder.done(10, "ten", 7);
  builder.not_done(12, Failure::failed, "partial", "no such file", 8, 2, 0);
  builder.done(13, "", 9);
  builder.not_done(14, Failure::timed_out, "", "late", 10, 0, 15);
  const Outcomes all = builder.take();
  CHECK(builder.empty());
  CHECK(all.count() == 4);
  CHECK(all.micros_at(3) == 10);
  CHECK(all.micros_at(4) == 0);
  OutcomeCursor at(all);
  CHECK(at.result() == "ten");
  CHECK(at.not_done() == nullptr);
  at.next();
  CHECK(at.index() == 12);
  CHECK(at.result() == "partial");
  CHECK(at.error() == "no such file");
  CHECK(*at.not_done() == NotDone{1, Failure::failed, 2, 0});
  const Outcomes part = all.slice(1, 3);
  CHECK(part.not_done == std::vector<NotDone>{{0, Failure::failed, 2, 0}, {2, Failure::timed_out, 0, 15}});
  CHECK(part.micros_at(0) == 8);
  OutcomesBuilder copies;
  for (OutcomeCursor each(all); !each.done(); each.next()) {
    if (each.position() > 0) copies.copy(each);
  }
  CHECK(copies.take() == part);
}

TEST_CASE("the digest is CRC32C over sizes and bytes") {
  CHECK(Digest().value() == 0);
  Digest nothing;
  nothing.add({});
  CHECK(nothing.value() == 0x48674bc7);  // of four zero bytes
  Digest one_by_one;
  one_by_one.add("ab");
  one_by_one.add("c");
  Digest otherwise;
  otherwise.add("a");
  otherwise.add("bc");
  CHECK_FALSE(one_by_one == otherwise);
  Digest resumed(one_by_one.value());
  resumed.add("d");
  one_by_one.add("d");
  CHECK(resumed == one_by_one);
}

TEST_CASE("the digest of a batch is that of its tasks one by one") {
  BatchBuilder batch;
  Digest one_by_one;
  for (const std::size_t size : {0, 1, 64, 64, 2'000, 2'047, 2'048, 2'049, 9'000, 3, 70'000, 5}) {
    const std::string task(size, static_cast<char>('a' + size % 26));
    batch.add(task);
    one_by_one.add(task);
  }
  for (int i = 0; i < 1'000; ++i) batch.add("alike"), one_by_one.add("alike");
  Digest at_once;
  at_once.add_each(batch.take());
  CHECK(at_once == one_by_one);
}

TEST_CASE("control characters are escaped, everything else passes") {
  CHECK(escaped("plain, ünicode") == "plain, ünicode");
  CHECK(escaped("a\nb\tc\\d") == "a\\nb\\tc\\d");
  CHECK(escaped("\x1b[31m\x7f") == "\\x1b[31m\\x7f");
  CHECK(escaped(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("a row keeps its order and answers by name") {
  Row row{{"name", std::string("x")}, {"count", std::uint64_t{3}}, {"below", std::int64_t{-2}}};
  row.set("count", std::uint64_t{4});
  row.set("above", std::int64_t{5});
  row.set("new", true);
  CHECK(row.number("count") == 4);
  CHECK(row.number("below") == 0);
  CHECK(row.number("above") == 5);
  CHECK(row.number("name") == 0);
  CHECK(row.text("name") == "x");
  CHECK(row.text("nothing").empty());
  CHECK(row.fields().back().first == "new");
}

TEST_CASE("what could turn a line around or break it is escaped, byte by byte, and so is what is no text") {
  CHECK(escaped("a\rb") == "a\\rb");
  CHECK(escaped("\u202e") == "\\xe2\\x80\\xae");  // right-to-left override
  CHECK(escaped("\u2066") == "\\xe2\\x81\\xa6");  // isolate
  CHECK(escaped("\u2028\u2029") == "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
  CHECK(escaped("\u2027\u202f\u2065\u206a") == "\u2027\u202f\u2065\u206a");  // their neighbours
  CHECK(escaped("\xff") == "\\xff");
  CHECK(escaped("\xe0\x80\x80") == "\\xe0\\x80\\x80");  // overlong
}

TEST_CASE("states, policies and failures have names") {
  CHECK(to_string(JobState::open) == "open");
  CHECK(to_string(JobState::closed) == "closed");
  CHECK(to_string(JobState::paused) == "paused");
  CHECK(to_string(JobState::cancelled) == "cancelled");
  CHECK(to_string(JobState::ended) == "ended");
  CHECK(to_string(ResultsPolicy::stream) == "stream");
  CHECK(to_string(ResultsPolicy::keep) == "keep");
  CHECK(to_string(ResultsPolicy::discard) == "discard");
  CHECK(to_string(TaskState::queued) == "queued");
  CHECK(to_string(TaskState::delayed) == "delayed");
  CHECK(to_string(TaskState::running) == "running");
  CHECK(to_string(TaskState::done) == "done");
  CHECK(to_string(TaskState::failed) == "failed");
  CHECK(to_string(TaskState::cancelled) == "cancelled");
  CHECK(to_string(Failure::timed_out) == "timed out");
  CHECK(to_string(Failure::cancelled) == "cancelled");
}

}  // namespace
}  // namespace stint
