#include "tools/zmq-sub/options.hpp"

#include "tools/show/text.hpp"
#include "tools/show/options.hpp"

namespace stint::tool {
namespace {

struct CommandLine {
  WatchOptions watch;
  bool json = false;
  Options options;

  CommandLine() {
    options.text("connect", 'c', "ENDPOINT", "the events socket (default: $STINT_EVENTS, else tcp://127.0.0.1:5556)",
                 watch.endpoint);
    options.texts("topic", 't', "PREFIX", "only topics that begin so; may be repeated (default: all)", watch.topics);
    options.flag("bars", 'b', "live bars (the default on a terminal)", watch.bars);
    options.flag("json", 'j', "one JSON object a line (the default elsewhere)", json);
    options.texts("until-end", 'u', "JOB",
                  "end with this job (all of them, if repeated); exit 0, 1 some tasks failed, 3 cancelled",
                  watch.until_end);
    options.flag("help", 'h', "this text", watch.help);
    options.flag("version", 0, "the version", watch.version);
  }
};

}  // namespace

WatchOptions WatchOptions::parse(const std::vector<std::string>& arguments, const char* environment) {
  CommandLine line;
  if (environment != nullptr && *environment != 0) line.watch.endpoint = environment;
  const std::vector<std::string> rest = line.options.parse(arguments);
  if (line.watch.help || line.watch.version) return line.watch;
  if (!rest.empty()) {
    throw UsageError("\"" + escaped(rest.front()) +
                     "\" is one argument too many; write --connect ENDPOINT or --topic PREFIX");
  }
  if (line.json && line.watch.bars) throw UsageError("--json and --bars exclude each other");
  line.watch.bars_or_json = line.json || line.watch.bars;
  line.watch.topics_given = !line.watch.topics.empty();
  return line.watch;
}

std::string WatchOptions::help_text() {
  return "usage: zmq-sub [OPTION]...\n"
         "Watch what a Stint broker tells of its jobs and workers, or the messages of any PUB socket.\n\n" +
         CommandLine().options.help() +
         "\n"
         "Topics: job.<number>. worker.<name>. task.<job>. broker.   They end in a dot: job.1. is not job.10.\n"
         "A job given to --until-end by its name or key may be opened later; one given by its number must exist.\n"
         "\n"
         "  zmq-sub                                  bars of all jobs\n"
         "  zmq-sub --topic job. --json              each step of each job, for a program\n"
         "  zmq-sub --until-end 7                    the bar of job 7, until it ends\n"
         "  zmq-sub --connect tcp://host:9000        messages of another program\n";
}

}  // namespace stint::tool
