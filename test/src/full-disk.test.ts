import { join } from 'node:path'
import { eventually, itWhere, smallDisk, whyNoSmallDisk } from '@sluice/testkit'
import { expect, onTestFinished } from 'vitest'
import { startSystem } from './start-system.ts'

const HOLD_MS = Number(process.env.HOLD_MS ?? 10_000)
const whyNot = await whyNoSmallDisk()

itWhere(
  whyNot === undefined,
  `${whyNot}`,
  'requests succeed again by themselves after the disk was full, and no event is missing',
  async () => {
    const disk = await smallDisk(512)
    onTestFinished(() => disk.remove())
    const system = await startSystem({ dataDir: join(disk.path, 'data') })
    onTestFinished(() => system.stop())
    const { id, apiKey } = await system.connect('full', [{ period: 'minute', requests: 1_000_000 }])
    const client = system.client('full', apiKey)
    let sent = 0
    const statuses: Record<string, number> = {}
    const chat = async (): Promise<string> => {
      sent++
      const status = await client.chat.completions
        .create({ model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Hello' }] })
        .then(
          () => 'ok',
          (error: { status?: number }) => String(error.status),
        )
      statuses[status] = (statuses[status] ?? 0) + 1
      return status
    }
    for (let index = 0; index < 50; index++) expect(await chat()).toBe('ok')
    await disk.fill()
    const full = performance.now()
    while (performance.now() - full < HOLD_MS) {
      const s = await chat()
      await disk.fill()
      if (s !== 'ok') await new Promise((r) => setTimeout(r, 100))
    }
    console.log('while full', statuses)
    await disk.free()
    const freed = performance.now()
    await eventually(async () => expect(await chat()).toBe('ok'), { timeoutMs: 60_000 })
    console.log('recovered after', performance.now() - freed, statuses)
    for (let index = 0; index < 50; index++) await chat()
    console.log('then', statuses)
    const to = new Date(Date.now() + 60_000).toISOString()
    try {
      await eventually(
        async () => {
          const usage = await system.admin.get<{ points: { requests: number }[] }>(`/connections/${id}/usage?to=${to}`)
          expect(usage.points.reduce((sum, { requests }) => sum + requests, 0)).toBe(sent)
        },
        { timeoutMs: 30_000 },
      )
    } finally {
      console.log(sent, system.logs().split('\n').filter((l) => /^(start|nats|postgres) /.test(l) || /level":[56]0/.test(l)).map((l)=>l.slice(0,300)).join('\n'))
    }
  },
  200_000,
)
