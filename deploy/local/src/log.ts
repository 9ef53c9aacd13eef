/** Takes one line, without its line break. */
export type Log = (line: string) => void

/** Takes one line that the process of that name wrote. */
export type ProcessLog = (processName: string, line: string) => void
