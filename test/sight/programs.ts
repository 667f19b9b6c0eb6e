/* programs.ts: commands that nobody had in mind when the shim was written: languages, tools and
 * small servers of Debian, each once, as they would be typed. The rule: a line is never taken away
 * because it fails, and what it met when it was first tried stays with it. */

export interface Sight {
  /** Debian packages, besides those of the project. */
  packages: string[];
  /** For bash -c, in an empty folder. It must end with status 0 natively. */
  command: string;
  /** What happened at first sight, when it did not replay equal, and what was missing. */
  first?: string;
}

const sight = (packages: string, command: string, first?: string): Sight => ({
  packages: packages.split(' ').filter((name) => name !== ''), command,
  ...(first !== undefined && { first }),
});
const rdrand = 'diverged: random bits of the processor (rdrand) were in no record';

const cpp = `cat > a.cc <<'C'
#include <future>
#include <iostream>
#include <random>
#include <unordered_map>
int main() {
  std::mt19937_64 dice(std::random_device{}());
  auto seen = std::async(std::launch::async, [&] {
    std::unordered_map<int, int> counts;
    for (int i = 0; i < 1000; i++) counts[dice() % 97]++;
    return counts.size();
  });
  std::cout << seen.get() << " " << dice() << std::endl;
}
C
g++ -O2 -pthread -o a a.cc && cp a /tmp/hotswap-sight && rm a`;

const asynchronous = `import asyncio, random
async def wait(i):
    await asyncio.sleep(random.random() / 20)
    return i
async def main():
    print([await each for each in asyncio.as_completed([wait(i) for i in range(30)])])
asyncio.run(main())`;

const terminal = `import os, pty, subprocess
master, slave = pty.openpty()
shell = subprocess.Popen(['bash', '-i'], stdin=slave, stdout=slave, stderr=slave,
                         preexec_fn=os.setsid)
os.write(master, b'echo $((6*7)); exit\\n')
shell.wait()
print(os.read(master, 4000))`;

const pools = `import concurrent.futures as futures, os
processes = futures.ProcessPoolExecutor(3)
print(list(processes.map(os.path.getsize, ['/etc/passwd', '/etc/group'] * 5)))
print(sum(futures.ThreadPoolExecutor(4).map(lambda i: i * i, range(200))))`;

const actors = `L = [spawn(fun() -> receive {F, N} -> F ! rand:uniform(N) end end)
  || _ <- lists:seq(1, 100)], [P ! {self(), 1000} || P <- L],
  io:format("~p ~p~n", [erlang:system_time(), lists:sum([receive X -> X end || _ <- L])]), halt().`;

export const sights: readonly Sight[] = [
  sight('fish', 'fish -c "random"', rdrand),
  sight('gnupg', 'gpg --gen-random 1 16 | base64', rdrand),
  sight('octave', 'octave --no-gui --eval "disp(rand(2)); disp(norm(rand(200)))"', rdrand),
  sight('g++', cpp),
  sight('g++', '/tmp/hotswap-sight', rdrand),
  sight('ruby', 'ruby -e \'require "securerandom"; '
    + 'p 4.times.map { |i| Thread.new { 99.times { SecureRandom.hex }; i } }.map(&:value), rand\''),
  sight('ruby', 'ruby -e \'r, w = IO.pipe; if fork then w.close; puts r.read; Process.wait; '
    + 'else r.close; w.puts Process.pid, rand; exit!(0) end\''),
  sight('php-cli', 'php -r \'echo uniqid(), mt_rand(), microtime(true), getmypid(), "\\n";\''),
  sight('lua5.4', 'lua5.4 -e \'math.randomseed(os.time()); '
    + 'for i = 1, 9 do print(math.random(), os.clock(), {}) end\''),
  sight('guile-3.0', 'guile -c \'(display (current-time)) '
    + '(display (random 1000000 (random-state-from-platform)))\''),
  sight('sbcl', 'sbcl --noinform --eval \'(progn (print (random 1000000 (make-random-state t))) '
    + '(print (get-universal-time)) (quit))\''),
  sight('erlang-base', `erl -noshell -eval '${actors}'`),
  sight('r-base-core', 'R --vanilla -q -e \'print(Sys.time()); print(sum(runif(1e5)))\''),
  sight('perl', 'perl -e \'use threads; print threads->create(sub { rand() })->join, "\\n" '
    + 'for 1 .. 4\''),
  sight('gawk', 'gawk \'BEGIN { srand(); print rand(), systime(), PROCINFO["pid"]; '
    + '"date" | getline d; print d }\''),
  sight('zsh', 'zsh -c \'echo $RANDOM $SECONDS; '
    + 'for i in {1..3}; do (echo $i $RANDOM) & done; wait\''),
  sight('python3', `python3 -c "${asynchronous}"`),
  sight('python3', `python3 -c "${pools}"`),
  sight('python3', `python3 <<'P'\n${terminal}\nP`),
  sight('', 'node -e \'const { pbkdf2, randomUUID } = require("crypto"); '
    + 'pbkdf2("a", "b", 1000, 32, "sha1", (_, key) => console.log(key.toString("hex"), '
    + 'Date.now(), Math.random(), randomUUID(), process.pid, performance.now()))\''),
  sight('ffmpeg', 'ffmpeg -nostdin -v error -f lavfi -i testsrc=duration=1:size=320x240:rate=10 '
    + '-threads 4 -c:v libx264 -f null -'),
  sight('zstd pigz xz-utils', 'zstd -T4 -c /bin/bash | sha1sum; pigz -p 4 -c /bin/bash | sha1sum; '
    + 'xz -T2 -c /bin/bash | sha1sum'),
  sight('git', 'git init -q . && for i in 1 2 3; do echo $i > $i; git add .; '
    + 'git -c user.email=a@b -c user.name=a commit -qm $i; done; git gc -q; git fsck'),
  sight('rsync', 'rsync -a /usr/share/doc/bash/ copy/ && '
    + 'rsync -ac --stats /usr/share/doc/bash/ copy/'),
  sight('tmux', 'tmux -L sight new-session -d "echo hi; sleep 0.2" \\; wait-for -S x; sleep 0.5'),
  sight('expect', 'expect -c \'spawn bash -c "read x; echo got \\$x"; '
    + 'send "hello\\r"; expect eof\''),
  sight('bsdutils', 'script -qc "tty; stty -a | head -1; echo $$" /dev/null'),
  sight('parallel', 'parallel -j4 echo ::: 1 2 3 4 5 6'),
  sight('procps', 'top -bn1 | head -5; vmstat 1 2; free; uptime; ps aux | wc -l'),
  sight('uuid-runtime', 'uuidgen; uuidgen -t; mktemp -u; hostname; id'),
  sight('openssh-client', 'ssh-keygen -q -t ed25519 -N "" -f key && cut -c1-40 key.pub'),
  sight('strace', 'strace -c true 2>&1 | tail -1'),
  sight('gdb', 'gdb -batch -ex run -ex "info registers rip" /bin/true 2>&1 | tail -2'),
  sight('python3 curl', 'python3 -m http.server 8765 --bind 127.0.0.1 & '
    + 'until curl -sf http://127.0.0.1:8765/; do sleep 0.1; done; kill %1; wait || true'),
  sight('php-cli curl', 'php -S 127.0.0.1:8769 -t /usr/share/doc/bash >/dev/null 2>&1 & '
    + 'until curl -sf http://127.0.0.1:8769/copyright | head -1; do sleep 0.1; done; '
    + 'kill $!; wait || true'),
  sight('redis-server redis-tools', 'redis-server --port 8770 --save "" --daemonize yes; '
    + 'sleep 0.5; '
    + 'redis-benchmark -p 8770 -n 2000 -q -t set,get; redis-cli -p 8770 shutdown nosave || true'),
];
