import { type EventDefinition, subjectIdentifiers, subjectPattern, validate } from '@sluice/contracts'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { subscribe } from './subscribe.ts'

/**
 * Publishes an event to current subscribers. Resolves when the server has it; an event published while the connection
 * is being lost is lost.
 * @throws NatsError when the connection was lost before that, or is closed: publish the event again if that matters
 */
export async function publishEvent<A extends readonly string[], E extends TSchema>(
  bus: Bus,
  definition: EventDefinition<A, E>,
  identifiers: A,
  event: Static<E>,
): Promise<void> {
  bus.connection.publish(definition.subject(...identifiers), JSON.stringify(event))
  await bus.connection.flush()
}

/**
 * Subscribes to a definition's events for all identifiers. The listener gets the event and the subject's identifiers,
 * in the order of the definition's parameters; what it throws is an uncaught exception of the process, and the
 * subscription goes on. `onMalformed` gets the subject of each message that is not such an event, and of an error of
 * the subscription itself. Returns a function that ends the subscription.
 */
export function subscribeEvent<A extends readonly string[], E extends TSchema>(
  bus: Bus,
  definition: EventDefinition<A, E>,
  listener: (event: Static<E>, identifiers: A) => void,
  onMalformed: (subject: string) => void,
): () => void {
  const pattern = subjectPattern(definition.subject)
  const identifiersIn = subjectIdentifiers(definition.subject)
  const subscription = subscribe(bus, pattern, {
    onError: () => onMalformed(pattern),
    onMessage: (message) => {
      const identifiers = identifiersIn(message.subject)
      const event = validate(definition.event, parse(message.string()))
      if (event.valid && identifiers !== undefined) listener(event.value, identifiers)
      else onMalformed(message.subject)
    },
  })
  return () => subscription.unsubscribe()
}

/** Returns undefined, which no event is, if the text is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
