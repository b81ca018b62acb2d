// The identities that Stint's parts exchange. Each is a type of its own, so that a job cannot be passed where a lease is wanted.
//
//   JobId job{7};
//   std::cout << value(job);
//
// None of them is drawn from a clock: they are counters, or random bits drawn once by main().
#pragma once

#include <cstdint>
#include <functional>

namespace stint {

enum class JobId : std::uint64_t {};        // counts up in the store; never 0
enum class LeaseId : std::uint64_t {};      // epoch << 40 | counter: unique for ever, and so the fencing token
enum class SessionId : std::uint32_t {};    // one greeting's worth of conversation; 0 = none yet
enum class Incarnation : std::uint64_t {};  // 64 random bits for each process start: who a peer is
enum class StoreId : std::uint64_t {};      // 64 random bits born with the store; 0 = none seen yet
enum class PeerId : std::uint32_t {};       // a return address: where to send, never who it is
enum class RequestId : std::uint64_t {};    // a client's counter for OPEN, COMMAND and QUERY
enum class ReaderId : std::uint64_t {};     // counts the readers of a streaming job; the newest wins; 0 = a new one

using Index = std::uint64_t;    // a task's number within its job, from 0
using Attempt = std::uint32_t;  // the n-th handing-out of a task, from 1

// A run of consecutive tasks: first, first + 1, ... first + count - 1.
struct Run {
  Index first = 0;
  std::uint64_t count = 0;

  Index end() const { return first + count; }
  bool contains(Index index) const { return index >= first && index - first < count; }
  friend bool operator==(const Run&, const Run&) = default;
};

// The number inside an identity, for printing and for the wire.
template <class Id>
constexpr std::underlying_type_t<Id> value(Id id) {
  return static_cast<std::underlying_type_t<Id>>(id);
}

}  // namespace stint
