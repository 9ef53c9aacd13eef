/** What a benchmark has started, so that all of it is stopped, whatever happens in between. */
export interface Started {
  /** Resolves with what `starting` does, and will stop it. */
  add<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T>
  /** Stops everything, the latest first; what cannot be stopped keeps nothing else from it. */
  stop(): Promise<void>
}

export function createStarted(): Started {
  const running: { stop(): Promise<void> }[] = []
  return {
    add: async (starting) => {
      const started = await starting
      running.push(started)
      return started
    },
    stop: async () => {
      for (const { stop } of running.splice(0).reverse()) {
        await stop().catch((error: unknown) => console.error(error))
      }
    },
  }
}
