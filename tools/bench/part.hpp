// The parts of a measurement, each a process of its own: `stint bench part NAME ARGUMENT...`. A part says on standard
// output that it is ready, then answers each order (a line on standard input) with a line of JSON, and ends with its
// standard input.
//
//   $ stint bench part client tcp://127.0.0.1:5555
//   {"ready":true}
//   flow 1 64
//   {"tasks":812345,"seconds":1.01, ...}
//
// proxy, echo and sender are the reference: what ZeroMQ alone can do. worker and client use the public libraries, as
// any user's program does. crowd and idle are many peers in one thread, each with the library's own session.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/net/clock.hpp"

namespace stint::bench {

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

// Plays one part to its end. Throws what goes wrong.
void play_part(const Arguments& arguments);

void play_proxy(const Arguments& arguments);   // [tuned]
void play_echo(const Arguments& arguments);    // ENDPOINT SOCKETS [tuned] [handover]
void play_sender(const Arguments& arguments);  // ENDPOINT [tuned] [handover]; orders: flow, ping
void play_worker(const Arguments& arguments);  // BROKER SLOTS WORKERS
void play_client(const Arguments& arguments);  // BROKER; orders: flow, ping, open, jobs, end, pass-by, paced, fill, run, tail
void play_crowd(const Arguments& arguments);   // BROKER CLIENTS; orders: flow
void play_dealers(const Arguments& arguments); // ENDPOINT SOCKETS; orders: flow
void play_idle(const Arguments& arguments);    // BROKER WORKERS

// Says that the part is ready, and answers orders until there are no more; the process has ended then.
using Answer = std::function<Json(const std::string& verb, std::istringstream& rest)>;
[[noreturn]] void obey(const Json& ready, const Answer& answer);

bool contains(const Arguments& arguments, const std::string& word);

inline double seconds_since(TimePoint start) { return std::chrono::duration<double>(now() - start).count(); }
inline Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace stint::bench
