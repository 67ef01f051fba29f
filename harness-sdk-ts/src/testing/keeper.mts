// Holds a twin for one process: passes its output on, and ends it when that process is gone, however it went. A worker thread
// that is terminated, or a process that is killed, runs no handlers; but its end of this process's standard input closes.
import { spawn } from "node:child_process";

const [, , program, ...args] = process.argv;
if (!program) throw new Error("usage: keeper PROGRAM [ARGUMENT...]");

const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
const end = () => void child.kill("SIGTERM");
process.stdin.resume().on("end", end).on("close", end).on("error", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
child.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
child.on("exit", (code) => process.exit(code ?? 1));
