/** Collects the process's uncaught exceptions; the returned function returns them and restores the handlers. */
export function uncaughtExceptions(): () => unknown[] {
  const errors: unknown[] = []
  const handlers = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => errors.push(error))
  return () => {
    process.removeAllListeners('uncaughtException')
    for (const handler of handlers) process.on('uncaughtException', handler)
    return errors
  }
}
