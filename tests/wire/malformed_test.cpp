// What a stranger, or a peer gone wrong, may send: FAULTS by row, each answered with an error that names the thing.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "common/model/limits.hpp"
#include "common/wire/codec.hpp"
#include "tests/wire/allocations.hpp"
#include "tests/wire/crafted.hpp"
#include "tests/wire/samples.hpp"

using namespace stint;
using namespace stint::test;
using namespace std::string_literals;

namespace {

bool names(const DecodeError& error, std::string_view what) { return error.text.find(what) != std::string::npos; }

std::string table_of(std::initializer_list<std::uint32_t> numbers) {
  std::string table;
  for (std::uint32_t number : numbers) {
    for (int i = 0; i < 4; ++i) table += static_cast<char>(number >> (8 * i));
  }
  return table;
}

void pack_bytes(Packer& pack, std::string_view bytes) {
  pack.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  pack.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

std::string submit(const std::function<void(Packer&)>& sizes, std::uint64_t n) {
  return crafted(MessageType::submit, [&](Packer& pack) {
    pack.pack_map(2);
    pack.pack("n"s).pack(n);
    pack.pack("sizes"s);
    sizes(pack);
  });
}

std::string release_of(std::vector<std::uint64_t> runs) {
  return crafted(MessageType::release, [&](Packer& pack) { pack.pack_map(1).pack("runs"s).pack(runs); });
}

}  // namespace

TEST_CASE("frames that are no message of ours") {
  CHECK(names(refusal(""), "header"));
  CHECK(names(refusal("ST\x01\x04"), "header"));
  CHECK(names(refusal("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "header"));
  CHECK(names(refusal("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\0\0\0"s), "header"));
  CHECK(refusal("XT\x01\x04\0\0\0\0\0\0\0\0\x80"s).code == ErrorCode::malformed);
  CHECK(names(refusal(head_with(MessageType::heartbeat, "")), "HEARTBEAT: a msgpack map is expected"));
}

TEST_CASE("a newer major version is answered with both versions, and the number of the message is known") {
  const DecodeError error = refusal(head_with(4, "\x80", 2));
  CHECK(error.code == ErrorCode::version);
  CHECK(error.expected == 1);
  CHECK(error.session == SessionId{9});
  CHECK(error.seq == 5);
  CHECK(names(error, "version 2"));
  CHECK(names(error, "version 1"));
}

TEST_CASE("an unknown message number is answered with number and versions") {
  for (const int type : {0, 7, 29, 40, 99, 255}) {
    const DecodeError error = refusal(head_with(type, "\x80"));
    CHECK(error.code == ErrorCode::unknown_message);
    CHECK(names(error, "number " + std::to_string(type)));
    CHECK(names(error, "version 1"));
  }
}

TEST_CASE("a head beyond its limit is refused before it is read") {
  const DecodeError error = refusal(head_with(4, std::string(limits::kMaxHeadBytes, '\x80')));
  CHECK(error.code == ErrorCode::too_large);
  CHECK(error.expected == limits::kMaxHeadBytes);
}

TEST_CASE("lengths that nothing stands behind, and depths without end, cost nothing") {
  const std::string key = "\x81\xA4runs"s;
  const std::string unknown = "\x81\xA1x"s;
  const std::vector<std::string> bodies{
      key + "\xDD\xFF\xFF\xFF\xFF",
      unknown + "\xDD\xFF\xFF\xFF\xFF",
      unknown + "\xDF\xFF\xFF\xFF\xFF",
      unknown + "\xDB\xFF\xFF\xFF\xFF",
      unknown + "\xC6\xFF\xFF\xFF\xFF",
      unknown + "\xC9\xFF\xFF\xFF\xFF",
      "\xDF\xFF\xFF\xFF\xFF",
      "\xDE\xFF\xFF" + std::string(200'000, '\xA0'),
      unknown + std::string(100'000, '\x91'),
      unknown + std::string(100'000, '\x81'),
      std::string(100'000, '\x81'),
  };
  for (const std::string& body : bodies) {
    const std::string head = head_with(MessageType::release, body);
    const std::uint64_t before = allocated_bytes();
    const Decoded decoded = decode(head, Blob());
    CHECK(allocated_bytes() - before < 4'096);
    REQUIRE(std::holds_alternative<DecodeError>(decoded));
    CHECK(std::get<DecodeError>(decoded).code == ErrorCode::malformed);
  }
}

TEST_CASE("bytes behind the body") {
  CHECK(names(refusal(head_with(MessageType::heartbeat, "\x80\x80")), "behind the body"));
  CHECK(names(refusal(head_with(MessageType::heartbeat, "\x80"), "blob"), "second frame"));
}

TEST_CASE("a field that is there twice, also one that nobody knows") {
  CHECK(
      names(refusal(head_with(MessageType::heartbeat, "\x82\xA4upto\x01\xA4upto\x02")), "\"upto\": it is there twice"));
  CHECK(names(refusal(head_with(MessageType::heartbeat, "\x82\xA1x\x01\xA1x\x02")), "\"x\": it is there twice"));
}

TEST_CASE("unknown fields are ignored, of whatever type and place") {
  const std::string body = crafted(MessageType::heartbeat, [](Packer& pack) {
    pack.pack_map(5);
    pack.pack("future"s).pack(std::vector<std::vector<int>>{{1, -2}, {300'000}});
    pack.pack("upto"s).pack(7);
    pack.pack("none"s).pack_nil();
    pack.pack("ext"s).pack_ext(4, 1).pack_ext_body("abcd", 4);
    pack.pack("real"s).pack(std::nan(""));
  });
  const Decoded decoded = decode(body, Blob());
  REQUIRE(std::holds_alternative<Envelope>(decoded));
  CHECK(std::get<Heartbeat>(std::get<Envelope>(decoded).message) == Heartbeat{0, 0, 7});
}

TEST_CASE("values of the wrong type or range name the field and what it should be") {
  const auto upto = [](auto value) {
    return refusal(crafted(MessageType::heartbeat, [&](Packer& pack) { pack.pack_map(1).pack("upto"s).pack(value); }));
  };
  CHECK(names(upto("7"s), "HEARTBEAT: field \"upto\": a whole number from 0 to 4294967295 is expected"));
  CHECK(upto(-1).code == ErrorCode::malformed);
  CHECK(upto(1.5).code == ErrorCode::malformed);
  CHECK(upto(true).code == ErrorCode::malformed);
  CHECK(upto(std::uint64_t{1} << 32).expected == std::numeric_limits<std::uint32_t>::max());
  CHECK(upto(std::vector<int>{1}).code == ErrorCode::malformed);
  CHECK(names(refusal(head_with(MessageType::heartbeat, "\x81\x01\x02")), "name is no text"));
  CHECK(names(refusal(head_with(MessageType::heartbeat, "\x90")), "map is expected"));
  CHECK(names(refusal(head_with(MessageType::recall, "\x81\xA4mode\x02")), "end with 1"));
  CHECK(names(refusal(head_with(MessageType::hello, "\x81\xA4role\0"s)), "end with 2"));
  CHECK(names(refusal(head_with(MessageType::submit, "\x81\xA3now\x01")), "true or false"));
}

TEST_CASE("a number may come in any width, with a sign or without") {
  for (const std::string& seven : {"\x07"s, "\xCC\x07"s, "\xCD\0\x07"s, "\xCE\0\0\0\x07"s, "\xCF\0\0\0\0\0\0\0\x07"s,
                                   "\xD0\x07"s, "\xD1\0\x07"s, "\xD2\0\0\0\x07"s, "\xD3\0\0\0\0\0\0\0\x07"s}) {
    CHECK(is_accepted(head_with(MessageType::heartbeat, "\x81\xA4upto" + seven)));
    CHECK(is_accepted(head_with(MessageType::open, "\x81\xA8priority" + seven)));
  }
  CHECK_FALSE(is_accepted(head_with(MessageType::heartbeat, "\x81\xA4upto\xD0\xF9")));
  CHECK(is_accepted(head_with(MessageType::open, "\x81\xA8priority\xD0\xF9")));
}

TEST_CASE("a fraction is a number from 0 to 1; NaN is none") {
  const auto fraction = [](auto value) {
    return crafted(MessageType::progress, [&](Packer& pack) { pack.pack_map(1).pack("fraction"s).pack(value); });
  };
  for (const double bad : {std::nan(""), -0.1, 1.1, double(INFINITY)})
    CHECK(names(refusal(fraction(bad)), "from 0 to 1"));
  CHECK(is_accepted(fraction(0.5F)));
  CHECK(is_accepted(fraction(1)));
}

TEST_CASE("text is UTF-8 and within its limit") {
  const auto named = [](const std::string& name) {
    return refusal(crafted(MessageType::hello, [&](Packer& pack) { pack.pack_map(1).pack("name"s).pack(name); }));
  };
  for (const char* bad : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "abcdefgh\x80"}) {
    CHECK(names(named(bad), "UTF-8"));
  }
  const DecodeError error = named(std::string(10'000, 'k'));
  CHECK(error.code == ErrorCode::bad_value);
  CHECK(error.expected == limits::kMaxNameBytes);
  CHECK(names(error, "10000 bytes"));
}

TEST_CASE("who is refused hears which of its requests it was") {
  Open open;
  open.req = RequestId{12};
  open.options.name = std::string(300, 'n');
  const DecodeError error = refusal(encode({SessionId{9}, 5, open}).head);
  CHECK(error.req == RequestId{12});
  CHECK(error.session == SessionId{9});
  CHECK(error.seq == 5);
  CHECK(refusal(encode({SessionId{9}, 5, Submit{JobId{7}, 0, false, {}}}).head).job == JobId{7});
}

TEST_CASE("lists keep to their limits") {
  const std::vector<std::string> kinds(limits::kMaxKinds + 1, "k");
  CHECK(names(refusal(crafted(MessageType::state, [&](Packer& pack) { pack.pack_map(1).pack("kinds"s).pack(kinds); })),
              "kinds"));
  CHECK(names(refusal(crafted(MessageType::hello,
                              [](Packer& pack) {
                                pack.pack_map(1).pack("held"s).pack_array(limits::kMaxHeldLeases + 1);
                                for (std::uint32_t i = 0; i <= limits::kMaxHeldLeases; ++i) pack.pack_map(0);
                              })),
              "held"));
}

TEST_CASE("runs are pairs, not empty, within a lease and within 64 bits") {
  CHECK(is_accepted(release_of({0, 1, 5, 2})));
  CHECK(is_accepted(release_of({std::numeric_limits<std::uint64_t>::max() - 1, 1})));
  CHECK_FALSE(is_accepted(release_of({0, 1, 5})));
  CHECK_FALSE(is_accepted(release_of({0, 0})));
  CHECK_FALSE(is_accepted(release_of({std::numeric_limits<std::uint64_t>::max(), 1})));
  CHECK_FALSE(is_accepted(release_of({0, limits::kMaxBatchTasks + 1})));
  CHECK_FALSE(is_accepted(release_of({0, limits::kMaxBatchTasks, limits::kMaxBatchTasks, 1})));
}

TEST_CASE("sizes add up to the second frame, exactly") {
  const auto two_and_three = submit([](Packer& pack) { pack_bytes(pack, table_of({2, 3})); }, 2);
  CHECK(is_accepted(two_and_three, "aabbb"));
  CHECK(names(refusal(two_and_three, "aabb"), "4 bytes, the sizes add up to 5"));
  CHECK(refusal(two_and_three, "aabbbb").expected == 5);
  CHECK(refusal(two_and_three).code == ErrorCode::malformed);

  const auto uniform = submit([](Packer& pack) { pack.pack(2); }, 3);
  CHECK(is_accepted(uniform, "aabbcc"));
  CHECK_FALSE(is_accepted(uniform, "aabbc"));

  const auto wraps = submit([](Packer& pack) { pack_bytes(pack, table_of({0xFFFF'FFFF, 6})); }, 2);
  CHECK_FALSE(is_accepted(wraps, "aabbc"));
}

TEST_CASE("counts agree") {
  CHECK_FALSE(is_accepted(submit([](Packer& pack) { pack_bytes(pack, table_of({2, 3})); }, 1), "aabbb"));
  CHECK_FALSE(is_accepted(submit([](Packer& pack) { pack_bytes(pack, "abc"); }, 1), "aabbb"));
  CHECK_FALSE(is_accepted(submit([](Packer& pack) { pack.pack(0); }, 0)));
  const DecodeError error = refusal(submit([](Packer& pack) { pack.pack(0); }, limits::kMaxBatchTasks + 1));
  CHECK(error.code == ErrorCode::bad_value);
  CHECK(error.expected == limits::kMaxBatchTasks);
}

TEST_CASE("a payload beyond its limit is refused by size and limit") {
  const std::string large(limits::kMaxPayloadBytes + 1, 'x');
  const DecodeError error = refusal(submit([](Packer& pack) { pack.pack(limits::kMaxPayloadBytes + 1); }, 1), large);
  CHECK(error.code == ErrorCode::too_large);
  CHECK(names(error, "8388609 bytes, the limit is 8388608"));
  CHECK(is_accepted(submit([](Packer& pack) { pack.pack(limits::kMaxPayloadBytes); }, 1), large.substr(1)));
}

TEST_CASE("the two outputs of one task have one limit together") {
  const std::uint32_t half = limits::kMaxPayloadBytes / 2 + 1;
  const auto results = [&](std::initializer_list<std::uint32_t> sizes,
                           std::initializer_list<std::uint32_t> error_sizes) {
    return crafted(MessageType::results, [&](Packer& pack) {
      pack.pack_map(3).pack("n"s).pack(sizes.size());
      pack.pack("sizes"s);
      pack_bytes(pack, table_of(sizes));
      pack.pack("err_sizes"s);
      pack_bytes(pack, table_of(error_sizes));
    });
  };
  const std::string blob(2 * half, 'x');
  CHECK(is_accepted(results({half, 0}, {0, half}), blob));
  CHECK(refusal(results({half, 0}, {half, 0}), blob).code == ErrorCode::too_large);
}

TEST_CASE("what was not done is told in order, within the batch, with a code that is known") {
  const auto not_done = [](std::initializer_list<std::uint32_t> records) {
    return is_accepted(crafted(MessageType::results, [&](Packer& pack) {
      pack.pack_map(2).pack("n"s).pack(3);
      pack.pack("not_done"s);
      pack_bytes(pack, table_of(records));
    }));
  };
  CHECK(not_done({0, 1, 0, 0, 2, 6, 0, 9}));
  CHECK_FALSE(not_done({2, 1, 0, 0, 0, 1, 0, 0}));
  CHECK_FALSE(not_done({0, 1, 0, 0, 0, 1, 0, 0}));
  CHECK_FALSE(not_done({3, 1, 0, 0}));
  CHECK_FALSE(not_done({0, 0, 0, 0}));
  CHECK_FALSE(not_done({0, 7, 0, 0}));
  CHECK_FALSE(not_done({0, 1, 0}));
}

TEST_CASE("indices do not exceed 64 bits") {
  const auto tasks = [](std::uint64_t first) {
    return is_accepted(crafted(MessageType::tasks, [&](Packer& pack) {
      pack.pack_map(2).pack("n"s).pack(2);
      pack.pack("first"s).pack(first);
    }));
  };
  CHECK(tasks(std::numeric_limits<std::uint64_t>::max() - 2));
  CHECK_FALSE(tasks(std::numeric_limits<std::uint64_t>::max() - 1));
}

TEST_CASE("an event is refused like any other message") {
  const Event event = sample_event();
  const std::string head = encode_event(event);
  CHECK(std::holds_alternative<Event>(decode_event(event.topic, head)));
  CHECK(std::holds_alternative<DecodeError>(decode_event("\xFF", head)));
  CHECK(std::holds_alternative<DecodeError>(decode_event(std::string(limits::kMaxTopicBytes + 1, 't'), head)));
  CHECK(std::holds_alternative<DecodeError>(decode_event(event.topic, head_with(4, "\x80"))));
  CHECK(std::holds_alternative<DecodeError>(decode_event(event.topic, head_with(40,
                                                                                "\x81\xA6"
                                                                                "fields\x81\xA1x\xC0"))));
  CHECK(std::holds_alternative<DecodeError>(
      decode_event(event.topic, head_with(40,
                                          "\x81\xA6"
                                          "fields\x81\xA1x\xCB\x7F\xF8\0\0\0\0\0\0"s))));
  for (std::size_t size = 0; size < head.size(); ++size) {
    CHECK(std::holds_alternative<DecodeError>(decode_event(event.topic, head.substr(0, size))));
  }
}
