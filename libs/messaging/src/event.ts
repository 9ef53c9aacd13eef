import { type EventDefinition, identifiersIn, subjectPattern, validate } from '@sluice/contracts'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'

/** Publishes an event to whoever listens now. While the connection is away, it is sent when it is back. */
export function publishEvent<A extends readonly string[], E extends TSchema>(
  bus: Bus,
  definition: EventDefinition<A, E>,
  identifiers: A,
  event: Static<E>,
): void {
  bus.connection.publish(definition.subject(...identifiers), JSON.stringify(event))
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
