/** The current instant in Unix milliseconds, with a fraction. Never goes back while the process lives. */
export type Clock = () => number

/** The wall clock at process start, carried on by the monotonic clock: a clock step moves no arrival time. */
export const systemClock: Clock = () => performance.timeOrigin + performance.now()
