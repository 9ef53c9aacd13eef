import { it, type TestContext } from 'vitest'

/**
 * A test that can only run where `condition` holds. Elsewhere it is skipped, and why is printed: nobody should have to wonder what a
 * count of skipped tests stands for.
 */
export function itWhere(
  condition: boolean,
  reason: string,
  name: string,
  test: (context: TestContext) => Promise<void> | void,
  timeoutMs?: number,
): void {
  if (!condition) process.stdout.write(`skipped "${name}": ${reason}\n`)
  it.runIf(condition)(name, test, timeoutMs)
}
