// What the broker is told, stores and says, overheard at its own door: promises about order that nobody else could see
// broken.
//
// - Nothing is told before the store has committed what it rests on: jobs, acceptances, results, acknowledgements, tasks
// handed out.
// - Of a task with which a worker came back in two leases only the younger is left to it, and it hands in nothing that
// it was told to drop.
// - A paused job hands nothing out, and one with too many failures pauses itself.
// - A repeated command does nothing again; each is answered as often as it is asked.
// - It finds fault only with messages that had one. On a network where nothing is ever late nobody is given up.
// - No job is cancelled while its writer is there.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/outbox.hpp"
#include "tests/sim/bounds.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/told.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

class Overheard {
 public:
  // `told` outlives it: what was said by this start and by those before it.
  Overheard(World& world, Checker& checker, Told& told) : world_(world), checker_(checker), told_(told), bounds_(world) {}

  void heard(PeerId from, const Envelope& envelope);
  void answered(PeerId from, const Envelope& envelope);  // that message was dealt with; what it caused is stored by now
  void found(const broker::Found& found);  // what this start begins with
  void stored(const broker::Store& store);
  void committed(broker::CommitId upto);
  void said(PeerId to, const Envelope& envelope);
  void published(const Event& event);
  void logged(const std::string& text);
  bool nothing_is_held() const { return bounds_.nothing_is_held(); }

 private:
  using CommitId = broker::CommitId;
  struct Answer {
    SessionId session{};
    std::uint32_t seq = 0;
    CommitId rests_on{};
  };

  bool is_steady(Role role) const;
  void writer_is_gone(const std::string& name);
  void check_opened(const Message& message) const;
  void check_row(const Row& row) const;  // of a job
  void check_positions(JobId job, Index next);
  void check_kept(Incarnation worker, const Welcome& welcome) const;
  void check_dropped(SessionId session, const LeaseResults& results) const;
  void check_acknowledged(PeerId to, const Envelope& envelope, std::uint32_t upto);
  void check_error(PeerId to, const Error& error);
  void check_answer(PeerId to, RequestId request);

  World& world_;
  Checker& checker_;
  Told& told_;
  Bounds bounds_;
  CommitId stored_{};
  CommitId outcomes_stored_{};
  CommitId committed_{};
  std::set<JobId> jobs_;                                              // stored, committed or not
  std::map<JobId, CommitId> unopened_;                                // of these, not committed: what they rest on
  std::map<JobId, std::deque<std::pair<Index, CommitId>>> tasks_;     // (end, rests on), not committed
  std::map<JobId, std::deque<std::pair<Index, CommitId>>> reserved_;  // the same
  std::map<JobId, Index> received_;
  std::map<JobId, std::uint64_t> handed_again_;                    // tasks, each as often as it was
  std::map<JobId, std::unordered_map<Index, CommitId>> outcomes_;  // not committed
  std::map<JobId, std::uint64_t> ends_;                            // committed
  std::map<SessionId, std::vector<Drop>> dropped_;  // what a worker was told to forget when it was welcomed
  std::map<PeerId, std::deque<Answer>> answers_;
  std::map<std::pair<PeerId, SessionId>, std::uint32_t> newest_;

  std::map<PeerId, Incarnation> peers_;
  std::map<Incarnation, std::string> names_;  // as they were welcomed
  std::map<Incarnation, Hello> greetings_;    // the newest of each
  std::set<Incarnation> in_session_;          // those that have said something within a session, ever
  std::map<JobId, std::string> writers_;      // the names of those that are there for sure
  struct Asked {
    Command command;
    unsigned times = 0;
    unsigned answers = 0;
  };
  std::map<std::pair<Incarnation, RequestId>, Asked> commands_;
  std::set<std::pair<Incarnation, RequestId>> pauses_;  // asked for since the last resume, not answered
  std::set<JobId> paused_;
  struct Published {
    std::uint64_t seq = 0;
    std::string stands;  // still: paused or ended; empty: neither
  };
  std::map<std::string, Published> published_;  // by topic, what was told of a job last
  struct Failures {
    std::uint64_t most = 0;
    std::uint64_t known = 0;  // committed or not
    bool paused = false;      // ever
  };
  std::map<JobId, Failures> failures_;
  std::uint64_t may_drain_ = 0;
  std::uint64_t drained_ = 0;
};

}  // namespace stint::sim
