import { expect, it } from 'vitest'
import { table } from './report.ts'

it('table aligns its columns', () => {
  const text = table(
    ['#', 'outcome'],
    [
      ['1', 'admitted'],
      ['10', 'denied'],
    ],
  )
  expect(text).toBe('  #    outcome\n  ──   ────────\n  1    admitted\n  10   denied')
})
