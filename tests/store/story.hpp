// Changes as a core could make them, drawn from a seed, and what must come of them.
//
//   Story story(seed);
//   store.commit({story.next()});
//   story.model().check(found);
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model.hpp"

namespace stint::broker {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : bits_(seed) {}
  std::uint64_t below(std::uint64_t end) { return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(bits_); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::string bytes(std::uint64_t most);

 private:
  std::mt19937_64 bits_;
};

class Story {
 public:
  // `left_alone` is a job that nothing is drawn for; the first one, if it is there.
  explicit Story(std::uint64_t seed, JobId left_alone = {}) : chance_(seed), left_alone_(left_alone) {}

  const Model& model() const { return model_; }
  Chance& chance() { return chance_; }

  Change next();
  const ModelJob* some_job();
  void add(const Change& change) { model_.apply(change); }  // one that was not drawn

 private:
  Change draw();
  Change new_job();
  Change changed(const ModelJob& job);
  Change append(const ModelJob& job);
  Change outcomes(const ModelJob& job);
  Change failures(const ModelJob& job);
  Change trim(const ModelJob& job);
  Change drop(const ModelJob& job);
  Change answer();
  std::vector<Index> some_unended(const ModelJob& job);

  Chance chance_;
  JobId left_alone_;
  Model model_;
};

}  // namespace stint::broker
