import { execFile } from 'node:child_process';

export type ProgramResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

export type ProgramOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
};

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs a program to its end and returns what it printed, whatever its exit code. @throws Error when it cannot be started. */
export function tryProgram(command: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const [file = '', ...args] = command;
  const env = { ...process.env, LC_ALL: 'C', ...options.env };
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { env, cwd: options.cwd, timeout: options.timeoutMs ?? 0, maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout, stderr) => {
        if (error && typeof error.code === 'string') reject(new Error(`cannot run ${file}: ${error.code}`));
        else resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
  });
}

/** Runs a program that must succeed and returns its output. @throws Error with the end of what it complained about. */
export async function runProgram(command: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await tryProgram(command, options);
  if (exitCode === 0) return stdout;
  throw new Error(
    `${command.join(' ').slice(0, 200)} ended with ${exitCode}: ${(stderr || stdout).trim().slice(-600)}`,
  );
}
