/**
 * Loaded into the gateway's process before its own program (`--import`, with `--expose-gc`). It reports the process's
 * memory on request, after a garbage collection, so that only memory in use counts.
 */
process.on('message', (message) => {
  if (message !== 'memory') return
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ heldBytes: heapUsed + external, rssBytes: rss })
})
