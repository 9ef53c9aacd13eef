import type { ProcessSpec, Ready } from './child-process.ts'
import { StartError } from './start-error.ts'
import { type SupervisedProcess, type SuperviseOptions, superviseProcess } from './supervise-process.ts'

/** Processes in tiers, each of which uses those before it. */
export interface ProcessTiers {
  /** Starts a tier on top of those before; resolves once all of it is ready. @throws StartError when it does not become so, or all was stopped. */
  start(specs: readonly ProcessSpec[]): Promise<Ready[]>
  processes(): readonly SupervisedProcess[]
  /** Ends everything, the last tier first. */
  stop(): Promise<void>
  /** Ends everything now. */
  kill(): void
}

export function createProcessTiers(options: SuperviseOptions): ProcessTiers {
  const tiers: SupervisedProcess[][] = []
  let isStopped = false
  return {
    start: async (specs) => {
      if (isStopped) throw new StartError('process_failed', 'The start was given up.')
      const tier = specs.map((spec) => superviseProcess(spec, options))
      tiers.push(tier)
      return Promise.all(tier.map((process) => process.start()))
    },
    processes: () => tiers.flat(),
    stop: async () => {
      isStopped = true
      for (const tier of tiers.toReversed()) await Promise.all(tier.map((process) => process.stop()))
    },
    kill: () => {
      isStopped = true
      for (const process of tiers.flat()) process.kill()
    },
  }
}
