declare module 'node:test' { export default function test(name: string, f: () => void | Promise<void>): void }
declare module 'node:assert/strict' {
  const assert: { equal(a: unknown, b: unknown, m?: string): void; deepEqual(a: unknown, b: unknown, m?: string): void; ok(a: unknown, m?: string): void; throws(f: () => void): void };
  export default assert;
}
