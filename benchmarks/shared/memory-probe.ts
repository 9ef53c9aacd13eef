/**
 * Loaded into the gateway's process before its own program (`--import`, with `--expose-gc`): asked for its memory, it
 * collects what is garbage first, so that what is told is what is held.
 */
process.on('message', (message) => {
  if (message !== 'memory') return
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ heldBytes: heapUsed + external, rssBytes: rss })
})
