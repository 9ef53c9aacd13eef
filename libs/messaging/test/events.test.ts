import { defineEvent } from '@sluice/contracts'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bus, connectBus } from '../src/bus.ts'
import { publishEvent, subscribeEvent } from '../src/events.ts'
import { uncaughtExceptions } from './uncaught-exceptions.ts'

let nats: TestNats
let bus: Bus

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'event.test' })
})
afterAll(async () => {
  await bus.close()
  await nats.stop()
})

const moved = defineEvent({
  subject: (id: string) => `moved.${id}`,
  event: Type.Object({ to: Type.String() }),
})

it('delivers events to subscribers, with the subject’s identifiers, and reports malformed ones', async () => {
  const events: unknown[] = []
  const malformed: string[] = []
  const unsubscribe = subscribeEvent(
    bus,
    moved,
    (event, identifiers) => events.push([identifiers, event]),
    (subject) => malformed.push(subject),
  )
  bus.connection.publish('moved.a', 'not JSON')
  bus.connection.publish('moved.b', '{"to": 7}')
  await publishEvent(bus, moved, ['c'], { to: 'here' })
  await eventually(() => expect(events).toEqual([[['c'], { to: 'here' }]]))
  expect(malformed).toEqual(['moved.a', 'moved.b'])
  unsubscribe()
  await publishEvent(bus, moved, ['d'], { to: 'there' })
  expect(events).toHaveLength(1)
})

it('keeps a subscription alive after its listener has thrown', async () => {
  const listener = await connectBus({ servers: nats.url, name: 'listener' })
  const places: string[] = []
  const uncaught = uncaughtExceptions()
  const unsubscribe = subscribeEvent(
    listener,
    moved,
    ({ to }) => {
      if (to === 'nowhere') throw new Error('there is no such place')
      places.push(to)
    },
    () => undefined,
  )
  await listener.connection.flush()
  await publishEvent(bus, moved, ['e'], { to: 'nowhere' })
  await publishEvent(bus, moved, ['e'], { to: 'somewhere' })
  await eventually(() => expect(places).toEqual(['somewhere']))
  expect(uncaught().map(String)).toEqual(['Error: there is no such place'])
  unsubscribe()
  await listener.close()
})

it('delivers events after the connection was lost and restored', async () => {
  const listener = await connectBus({ servers: nats.url, name: 'listener' })
  const events: unknown[] = []
  subscribeEvent(
    listener,
    moved,
    (event) => events.push(event),
    () => undefined,
  )
  await nats.kill()
  await eventually(() => expect(bus.isConnected()).toBe(false))
  let sent = 0
  await nats.restart()
  await eventually(
    async () => {
      await publishEvent(bus, moved, ['a'], { to: `place ${++sent}` })
      expect(events).not.toEqual([])
    },
    { timeoutMs: 10_000 },
  )
  expect(bus.isConnected()).toBe(true)
  await listener.close()
})

it('fails when the connection was lost before the server had it', async () => {
  nats.freeze()
  const publishing = publishEvent(bus, moved, ['a'], { to: 'nowhere' })
  await expect(publishing).rejects.toMatchObject({ code: 'DISCONNECT' })
  nats.thaw()
  await eventually(() => publishEvent(bus, moved, ['a'], { to: 'here' }), { timeoutMs: 10_000 })
})
