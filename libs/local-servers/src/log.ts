/** Takes one line, without its line break. */
export type Log = (line: string) => void
