import { type ConnectionView, documentErrors, SluiceError } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import type { Actor } from '../domain/actor.ts'
import { capacityFrom } from '../domain/discovered-capacity.ts'
import { invalidDocument } from '../domain/validate-connection.ts'
import type { Insights } from '../ports/insights.ts'
import { type ConnectionToChange, changeConnection } from './change-connection.ts'
import type { ApplicationDeps } from './deps.ts'

export const AppliedLimits = Type.Object(
  {
    model: Type.Optional(
      Type.String({ description: 'The model whose limits to take; the smallest over all models when absent' }),
    ),
  },
  { additionalProperties: false },
)

export interface DiscoveredCapacityToApply extends ConnectionToChange {
  /** Which limits, as {@link AppliedLimits}. */
  readonly document: unknown
}

/**
 * Makes the discovered limits the configured capacity.
 * @throws SluiceError `not_found`, `version_conflict`, `nothing_discovered`, `invalid_request` with everything that is wrong with
 * the document; `unavailable` when discovery cannot be asked
 */
export async function applyDiscoveredCapacity(
  deps: ApplicationDeps,
  insights: Pick<Insights, 'discovered'>,
  actor: Actor,
  { document, ...target }: DiscoveredCapacityToApply,
): Promise<ConnectionView> {
  const errors = documentErrors(AppliedLimits, document)
  if (errors.length > 0) throw invalidDocument(errors)
  const { model } = document as Static<typeof AppliedLimits>
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
