import type { Verdict } from './judge.ts'
import type { Observed } from './observe.ts'

/** One kind of failure, and the limits that must hold during it. */
export interface Scenario {
  /** The value of `SCENARIO` that selects it. */
  readonly name: string
  /** Describes what happens, in a sentence or two. */
  readonly about: string
  /** @param print prints a line for the person who runs it */
  run(print: (line: string) => void): Promise<ScenarioResult>
}

export interface ScenarioResult {
  readonly judgedBy: Observed['by']
  readonly verdicts: readonly Verdict[]
  /** Other results. */
  readonly facts?: readonly Fact[]
}

export interface Fact {
  readonly text: string
  readonly isAsPromised: boolean
}

/** Returns true if every limit held and was used, and all other results are as promised. */
export function isProven({ verdicts, facts = [] }: ScenarioResult): boolean {
  return verdicts.every(({ finding }) => finding === 'kept') && facts.every(({ isAsPromised }) => isAsPromised)
}
