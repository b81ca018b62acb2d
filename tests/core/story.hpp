// Plays a story of tests/story: carries out its commands on a farm, and says what everybody sees of it.
// tests/story/README.md has the commands.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/core/farm.hpp"

namespace stint::broker {

class Story {
 public:
  void does(
      const std::string& command);  // throws std::out_of_range or std::invalid_argument when it is none, naming it
  std::string sees();               // what is new since the last call

 private:
  using Words = std::vector<std::string>;

  Farm& farm();
  FarmPeer& peer(const std::string& name) const;
  FarmWorker& worker(const std::string& name) const;
  FarmClient& client(const std::string& name) const;

  bool does_to_broker(const Words& words);
  bool does_to_peer(const Words& words);
  bool does_as_worker(const Words& words);
  bool does_as_client(const Words& words);
  void sets_up_broker(const Words& options);
  void adds_worker(const std::string& name, const Words& options);
  void adds_crowd(std::size_t count);
  void greets(const std::string& name);
  void claims(FarmWorker& worker, Index index);
  void opens(FarmClient& client, const std::string& kind, Words words, bool whole);
  void writes(FarmClient& client, JobId job, const std::vector<std::string>& tasks);
  void reads(FarmClient& client, JobId job, const Words& options);
  void commands(FarmClient& client, Command command);

  void sees_greeting(FarmPeer& peer, std::ostream& out);
  void sees_tasks(FarmWorker& worker, std::ostream& out);
  void sees_client(FarmClient& client, std::ostream& out);
  void sees_results(const FarmClient& client, const Reading& reading, std::size_t from, std::ostream& out) const;
  void sees_crowd(std::ostream& out);
  void sees_jobs(std::ostream& out);
  void sees_events(std::ostream& out);

  Options options_ = Farm::quick();
  std::optional<Farm> farm_;
  std::map<std::string, FarmPeer*> peers_;
  std::vector<FarmWorker*> crowd_;
  std::set<const FarmPeer*> paced_;  // they work by themselves: what they hold is not told task by task
  std::map<std::string, Command> last_command_;
  std::ostringstream notes_;

  // What was told already.
  std::set<std::tuple<Incarnation, LeaseId, Index>> tasks_;
  std::map<std::pair<Incarnation, Index>, LeaseId> last_lease_;
  std::map<Incarnation, std::uint32_t> welcomes_;
  std::map<Incarnation, StoreId> stores_;
  std::map<Incarnation, std::size_t> runs_;
  std::set<Incarnation> dead_;
  std::map<std::pair<Incarnation, JobId>, Accepted> accepted_;
  std::map<std::pair<Incarnation, JobId>, std::size_t> results_;
  std::set<std::pair<Incarnation, JobId>> ends_;
  std::string crowd_seen_;
  std::map<std::uint64_t, std::string> jobs_;
  std::size_t events_ = 0;
};

}  // namespace stint::broker
