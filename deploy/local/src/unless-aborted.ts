/**
 * As `work` settles, or rejected with the signal's reason as soon as it is aborted. What the work comes to after that is for
 * `onLate`; its late failure is nobody's.
 */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  work: Promise<T>,
  onLate: (result: T) => Promise<void>,
): Promise<T> {
  if (signal === undefined) return work
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([aborted.promise, work])
  } catch (error) {
    if (signal.aborted) void work.then(onLate).catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
