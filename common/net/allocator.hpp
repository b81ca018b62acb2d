// glibc gives freed memory back to the kernel after every batch, only to ask for it again with the next: measured, a
// bare zmq_proxy moves 25 to 50 % more batches when it does not. Of what a thread has freed, 64 MiB
// stay for its next messages, and more where glibc happens not to give it back.
//
//   int main() { stint::tune_allocator(); ... }
//
// Called once by each main(), before there are threads. Does nothing under other allocators.
#pragma once

namespace stint {

void tune_allocator();

}  // namespace stint
