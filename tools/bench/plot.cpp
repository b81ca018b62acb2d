#include "tools/bench/plot.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "common/model/escape.hpp"

namespace stint::bench {
namespace {

struct Chart {
  const char* field;
  const char* title;
};

constexpr Chart kCharts[] = {{"tasks_per_s", "tasks a second"}, {"p50_us", "round trip at the median, us"}};

// As gnuplot quotes: in single quotes, in which a quote is doubled.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string data_of(const Report& report, const char* field, std::size_t& bars) {
  std::string data;
  bars = 0;
  for (const Row& row : report.rows()) {
    const Value* value = row.find(field);
    if (value == nullptr) continue;
    std::string label = row.text("scenario") + ": " + row.text("system");
    std::replace(label.begin(), label.end(), '"', '\'');
    data += std::to_string(bars++) + " " + std::to_string(std::get<double>(*value)) + " \"" + label + "\"\n";
  }
  return data;
}

std::string script_of(const Report& report, const std::string& path) {
  std::string charts;
  std::size_t drawn = 0;
  std::size_t all_bars = 0;
  for (const Chart& chart : kCharts) {
    std::size_t bars = 0;
    const std::string data = data_of(report, chart.field, bars);
    if (bars == 0) continue;
    ++drawn;
    all_bars += bars;
    const std::string block = "$" + std::string(chart.field);
    charts += block + " << END\n" + data + "END\nset title " + quoted(chart.title) + "\nset yrange [" +
              std::to_string(bars) + " - 0.4:-0.6]\n" + "plot " + block +
              " using ($2/2):1:($2/2):(0.35):ytic(3) with boxxyerror fill solid 0.6 notitle\n";
  }
  if (drawn == 0) throw std::runtime_error("nothing was measured that could be drawn: add throughput or latency");
  return "set terminal svg size 1000," + std::to_string(80 * drawn + 30 * all_bars) + " font 'sans,12'\nset output " +
         quoted(path) + "\nset xrange [0:*]\nset grid xtics\nset format x '%.1s%c'\nset lmargin at screen 0.45\n" +
         "set multiplot layout " + std::to_string(drawn) + ",1\n" + charts + "unset multiplot\n";
}

}  // namespace

void require_drawable(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const bool exists = ::access(path.c_str(), F_OK) == 0;
  int result = exists ? ::access(path.c_str(), W_OK) : ::access(parent.empty() ? "." : parent.c_str(), W_OK | X_OK);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) result = -1, errno = EISDIR;
  if (result != 0) {
    throw std::runtime_error("cannot write " + escaped(path) + ": " + std::strerror(errno) + ". Name another file with --plot");
  }
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) {
    throw std::runtime_error("--plot needs gnuplot. Install the Debian package gnuplot-nox, or leave --plot out");
  }
}

void draw(const Report& report, const std::string& path) {
  const std::string script = script_of(report, path);
  FILE* gnuplot = ::popen("gnuplot", "w");
  if (gnuplot == nullptr) throw std::runtime_error("cannot start gnuplot");
  std::fwrite(script.data(), 1, script.size(), gnuplot);
  if (::pclose(gnuplot) != 0) {
    throw std::runtime_error("gnuplot did not draw " + escaped(path) + "; is the Debian package gnuplot-nox installed?");
  }
}

}  // namespace stint::bench
