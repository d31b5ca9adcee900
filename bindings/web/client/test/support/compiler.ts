/** The TypeScript compiler, for what is only text elsewhere: examples and frames of the documentation. */

import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "vitest";

export interface Compiler {
  /** Puts a file beside the programs. */
  write(file: string, text: string): Promise<void>;
  /** What the compiler says about a program that is the file `file`. */
  complaints(file: string, program: string): Promise<string[]>;
}

/** A compiler with the settings of a package, whose folder is `dir`; programs lie in a folder of their own there. */
export function compiler(dir: string): Compiler {
  const checked = join(dir, ".checked");
  beforeAll(() => mkdir(checked, { recursive: true }));
  afterAll(() => rm(checked, { recursive: true }));
  const write = (file: string, text: string) => writeFile(join(checked, file), text);
  return {
    write,
    async complaints(file, program) {
      await write(file, program);
      // An example need not use all that it names.
      const compilerOptions = { noUnusedLocals: false };
      const config = { extends: "../tsconfig.json", compilerOptions, include: [], files: [file] };
      await write(`${file}.json`, JSON.stringify(config));
      const tsc = join(dir, "../node_modules/.bin/tsc");
      const run = promisify(execFile)(tsc, ["-p", join(checked, `${file}.json`), "--pretty", "false"]);
      const said = await run.then(
        () => "",
        ({ stdout }) => stdout as string,
      );
      return said.split("\n").filter((line) => line.includes("error"));
    },
  };
}

/** The examples of a text in a language, those of comments included. */
export async function examples(file: string, language: string): Promise<string[]> {
  const text = (await readFile(file, "utf8")).replace(/^ *\* ?/gm, "");
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"));
  return Array.from(blocks, ([, body]) => body ?? "");
}

/** What an example imports, and the rest of it. */
export function parts(example: string): { imports: string; body: string } {
  const importing = /^import [^;]*;$/gm;
  return { imports: (example.match(importing) ?? []).join("\n"), body: example.replace(importing, "") };
}
