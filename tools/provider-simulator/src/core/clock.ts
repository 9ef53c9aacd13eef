/** Returns the current time in Unix milliseconds, with a fraction. Never goes back within a process. */
export type Clock = () => number

/** The wall clock at process start, advanced by the monotonic clock: setting the wall clock moves no arrival time. */
export const systemClock: Clock = () => performance.timeOrigin + performance.now()
