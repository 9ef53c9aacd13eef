import { type ConnectionView, SluiceError } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import { capacityFrom } from '../domain/discovered-capacity.ts'
import type { Insights } from '../ports/insights.ts'
import { type ConnectionToChange, changeConnection } from './change-connection.ts'
import type { ApplicationDeps } from './deps.ts'

export interface DiscoveredCapacityToApply extends ConnectionToChange {
  /** The model whose limits to take; undefined: the smallest over all models. */
  readonly model: string | undefined
}

/**
 * Makes the discovered limits the configured capacity.
 * @throws SluiceError `not_found`, `version_conflict`, `nothing_discovered`; `unavailable` when discovery cannot be asked
 */
export function applyDiscoveredCapacity(
  deps: ApplicationDeps,
  insights: Pick<Insights, 'discovered'>,
  actor: Actor,
  { model, ...target }: DiscoveredCapacityToApply,
): Promise<ConnectionView> {
  return changeConnection(deps, actor, target, async (before) => {
    const capacity = capacityFrom(before.capacity, await insights.discovered(before.id), model)
    if (capacity === undefined) throw nothingDiscovered(model)
    const connection = { ...before, capacity, version: before.version + 1, updatedAt: deps.now() }
    return { what: 'updated', connection }
  })
}

function nothingDiscovered(model: string | undefined): SluiceError {
  const what = model === undefined ? '' : ` for the model "${model}"`
  return new SluiceError(
    'nothing_discovered',
    `No limit of requests or tokens is discovered${what} of which it is known whether it is per minute, hour or day.`,
  )
}
