#include "broker/shell/end_on_broken_promise.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "common/model/escape.hpp"
#include "common/model/require.hpp"

namespace stint::broker {
namespace {

std::atomic<record::Recorder*> to_complete = nullptr;

void end(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  if (record::Recorder* recorder = to_complete.exchange(nullptr)) {
    recorder->promise_is_broken();
    std::fprintf(stderr, "stint-broker: what led to it is in %s: add that file to the report\n", escaped(recorder->path()).c_str());
  } else {
    std::fputs("stint-broker: nothing was recorded; with --record FILE the next time will tell more\n", stderr);
  }
  std::fflush(stderr);
  std::_Exit(kSoftwareError);
}

}  // namespace

EndOnBrokenPromise::EndOnBrokenPromise(record::Recorder* recorder) {
  to_complete = recorder;
  on_broken_promise(end);
}

EndOnBrokenPromise::~EndOnBrokenPromise() {
  on_broken_promise(nullptr);
  to_complete = nullptr;
}

}  // namespace stint::broker
