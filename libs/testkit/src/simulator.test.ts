import { expect, it } from 'vitest'
import { testSimulator } from './simulator.ts'

it('gives each caller a simulator of its own', async () => {
  const accounts = [{ apiKey: 'sk-test' }]
  const [one, other] = await Promise.all([testSimulator({ accounts }), testSimulator()])
  const ask = (url: string) => fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer sk-test' } })
  expect((await ask(one.url)).status).toBe(200)
  expect((await ask(other.url)).status).toBe(401)
  await Promise.all([one.stop(), other.stop()])
  await expect(ask(one.url)).rejects.toThrow('fetch failed')
})
