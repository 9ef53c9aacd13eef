import { afterAll, beforeAll } from 'vitest'

/**
 * Starts something before the tests of this scope and stops it after them. The returned object forwards every property to it.
 * @throws (on use) Error before it has started
 */
export function startBeforeAll<Started extends { stop(): Promise<void> }>(start: () => Promise<Started>): Started {
  let started: Started | undefined
  beforeAll(async () => {
    started = await start()
  })
  afterAll(() => started?.stop())
  const running = (): Started => {
    if (started === undefined) throw new Error('used before the hook has started it: use it in a test or a later hook')
    return started
  }
  return new Proxy({} as Started, {
    get: (_, name) => Reflect.get(running(), name),
    set: (_, name, value) => Reflect.set(running(), name, value),
  })
}
