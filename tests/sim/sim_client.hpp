// One start of a client: the real session, and a user who writes and reads the jobs of his plans. What the user knows
// (Desire) outlives the process, as if he had it on paper.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/client/session.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/network.hpp"

namespace stint::sim {

// What somebody wants to have done, and how far it has come.
struct Desire {
  explicit Desire(const Plan& what) : plan(what) {}

  const Plan& plan;
  unsigned era = 1;  // begun anew so often
  StoreId store{};   // of the broker that `id` and the positions belong to
  JobId id{};
  bool written = false;        // all is accepted, and closed
  bool cut_short = false;      // cancelled by somebody
  std::uint64_t consumed = 0;  // position behind the last result that the reader is done with
  bool ended = false;
  bool left = false;      // its client went away once all was written
  unsigned readings = 0;  // times that all of it was read
  bool satisfied = false;
};

class SimClient final : public Process {
 public:
  // What to want next; null: nothing. Of a parent: that its failed tasks are done, which are the job `id` now.
  using Idea = std::function<std::shared_ptr<Desire>(const Desire* parent, JobId id, std::vector<Index> letters)>;

  SimClient(World& world, Network& network, Checker& checker, std::string name,
            std::vector<std::shared_ptr<Desire>> desires, Idea idea);

  void crash();
  void leave();  // says goodbye
  void stop_reading(Duration duration) { reads_again_ = now() + duration; }
  void command(Command command);
  void resume_what_is_paused();
  bool waits_for_answers() const { return alive() && !commands_.empty(); }
  void steal(const std::shared_ptr<Desire>& desire);  // reads a streaming job that another one reads

 private:
  enum class Stage : std::uint8_t { unopened, asking, writing, reading, finished };
  struct Work {
    std::shared_ptr<Desire> desire;
    client::Handle handle{};
    Stage stage = Stage::unopened;
    bool writes = false;
    bool reads = false;
    bool ordered = false;
    bool closed = false;  // said so to the session
    bool stolen = false;
    std::uint64_t given = 0;  // tasks handed to the session
    std::uint64_t accepted = 0;
    std::uint64_t begun_at = 0;  // ready tasks are counted from here
    TimePoint since{};
    std::optional<std::uint64_t> expected;  // the position of the next result
    std::deque<JobResults> arrived;
    std::uint64_t consumed = 0;  // a position; nothing from there on may be acknowledged
    std::uint64_t in_first = 0;  // results of the first one that are consumed
    std::optional<JobStatus> end;
    RequestId question{};
    TimePoint ask_again{};
  };

  void turn() override;
  TimePoint next_deadline() const override;
  void use(Work& work);
  void begin(Work& work);
  void open(Work& work);
  void attach(Work& work, JobId id);
  void write(Work& work);
  void consume(Work& work);
  void look_whether_done(Work& work);
  void begin_anew(Work& work);
  void want(std::shared_ptr<Desire> desire);
  void try_failures_again(Work& work);
  void act_on_retry(const Done& done, const Desire& parent);
  std::uint64_t ready(const Work& work) const;
  JobRecord& record(const Work& work);
  Work* find(client::Handle handle);
  const Work* reader_of(JobId job) const;

  void perform();
  void act(const client::Connect&) { link_.connect(); }
  void act(const client::Send& send);
  void act(const client::Greeted&) {}
  void act(const client::Parted&) {}
  void act(const client::TurnedAway& away);
  void act(const client::JobOpened& opened);
  void act(const client::JobAccepted& accepted);
  void act(const client::JobStalled&) {}
  void act(client::ResultsArrived& arrived);
  void act(const client::JobReported& reported);
  void act(const client::JobFailed& failed);
  void act(const client::Replied& replied);
  void found(Work& work, const client::Replied& replied);
  void check_arrival(Work& work, const JobResults& results);

  Checker& checker_;
  Idea idea_;
  Link link_;
  client::Session session_;
  client::Outbox out_;
  std::vector<Work> works_;
  std::uint32_t last_handle_ = 0;
  TimePoint reads_again_{};
  bool leaves_ = false;  // at the end of this turn
  std::map<RequestId, Command> commands_;
  std::map<RequestId, std::shared_ptr<Desire>> retries_;
  std::set<RequestId> pausing_;  // questions that ask what is paused
};

}  // namespace stint::sim
