/** What is used of Eleventy, which comes without types (its `src/Eleventy.js` and `src/UserConfig.js`). */
declare module '@11ty/eleventy' {
  export interface UserConfig {
    readonly ignores: Set<string>;
    setUseGitIgnore(enabled: boolean): void;
    addGlobalData(name: string, data: unknown): void;
    addNunjucksGlobal(name: string, value: unknown): void;
    addFilter(name: string, filter: (...args: never[]) => unknown): void;
    addTransform(name: string, transform: (content: string) => string): void;
  }

  export class Eleventy {
    constructor(
      input: string,
      output: string,
      options: { quietMode: boolean; configPath: string; config: (config: UserConfig) => void },
    );
    /** Renders all pages and writes none. */
    toJSON(): Promise<{ readonly outputPath: string; readonly content: string }[]>;
  }
}
