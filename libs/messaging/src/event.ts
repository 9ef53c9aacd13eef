import { type EventDefinition, identifiersIn, subjectPattern, validate } from '@sluice/contracts'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'

/**
 * Publishes an event to whoever listens now. Resolves when the server has it: what is published while a connection is being lost is gone.
 * @throws NatsError when the connection was lost before that, or is closed: publish it again where that matters
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
 * Calls `listener` with each well-formed event of every identifier; `onMalformed` with the subject of each other one.
 * Returns the function that ends it.
 */
export function subscribeEvent<A extends readonly string[], E extends TSchema>(
  bus: Bus,
  definition: EventDefinition<A, E>,
  listener: (event: Static<E>, identifiers: string[]) => void,
  onMalformed: (subject: string) => void,
): () => void {
  const pattern = subjectPattern(definition.subject)
  const subscription = bus.connection.subscribe(pattern, {
    callback: (error, message) => {
      if (error) return onMalformed(pattern)
      const event = validate(definition.event, parse(message.string()))
      if (event.valid) listener(event.value, identifiersIn(message.subject, pattern))
      else onMalformed(message.subject)
    },
  })
  return () => subscription.unsubscribe()
}

/** Undefined, which no event is, where the text is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
