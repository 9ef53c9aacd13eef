import type { Verdict } from './judge.ts'
import type { Observed } from './observe.ts'

/** One kind of trouble, and the limits that have to hold in it. */
export interface Scenario {
  /** What `SCENARIO` selects it by. */
  readonly name: string
  /** What is done, in a sentence or two. */
  readonly about: string
  /** @param print takes one line for the operator */
  run(print: (line: string) => void): Promise<ScenarioResult>
}

export interface ScenarioResult {
  readonly judgedBy: Observed['by']
  readonly verdicts: readonly Verdict[]
  /** What else it shows. */
  readonly facts?: readonly Fact[]
}

export interface Fact {
  readonly text: string
  readonly isAsPromised: boolean
}

/** Whether every limit held and was used, and all else is as promised. */
export function isProven({ verdicts, facts = [] }: ScenarioResult): boolean {
  return verdicts.every(({ finding }) => finding === 'kept') && facts.every(({ isAsPromised }) => isAsPromised)
}
