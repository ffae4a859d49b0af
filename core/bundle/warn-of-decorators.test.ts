import { afterEach, beforeEach, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const decorated = `function logged(target: object, key: string) {}
class Service { @logged name: string = 'a'; }
export default () => new Service().name;`;

it('names an option that has no effect, also one that is extended', async () => {
  await shop.write('base.json', '{ "compilerOptions": { "emitDecoratorMetadata": true } }');
  await shop.write(
    'tsconfig.json',
    '{ "extends": "./base.json", "compilerOptions": { "experimentalDecorators": true } }',
  );
  const { warnings } = await shop.bundle(decorated);
  expect(warnings).toMatchObject([
    { file: 'tsconfig.json', message: expect.stringContaining('"emitDecoratorMetadata" has no effect') },
  ]);
  await shop.write(
    'tsconfig.json',
    '{\n  "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true, "rootDirs": ["a"] }\n}',
  );
  expect((await shop.bundle()).warnings.map(({ line, message }) => [line, message.split(' ')[0]])).toEqual([
    [2, '"emitDecoratorMetadata"'],
    [2, '"rootDirs"'],
  ]);
});

it('says nothing where the option does not matter', async () => {
  await shop.write('tsconfig.json', '{ "compilerOptions": { "emitDecoratorMetadata": true } }');
  expect((await shop.bundle('export default () => "a@b";')).warnings).toEqual([]);
});

it('says that JSX is not left as it is, where there is some', async () => {
  await shop.write('tsconfig.json', '{ "compilerOptions": { "jsx": "preserve" } }');
  expect((await shop.bundle('export default () => 1;')).warnings).toEqual([]);
  await shop.write('part.tsx', 'const React = { createElement: (name: string) => name };\nexport default <b />;');
  expect((await shop.bundle("import x from './part.tsx';\nexport default () => x;")).warnings).toMatchObject([
    { file: 'tsconfig.json', line: 1, message: expect.stringContaining('Set "jsx" to "react-jsx"') },
  ]);
});

it('names a transformer, and no plugin of the editor', async () => {
  const plugins = '[{ "name": "typescript-styled-plugin" }, { "transform": "typia/lib/transform" }]';
  await shop.write('tsconfig.json', `{ "compilerOptions": { "plugins": ${plugins} } }`);
  expect((await shop.bundle('export default () => 1;')).warnings).toMatchObject([
    { file: 'tsconfig.json', message: expect.stringContaining('"plugins" has no effect: a transformer') },
  ]);
  await shop.write('tsconfig.json', '{ "compilerOptions": { "plugins": [{ "name": "typescript-styled-plugin" }] } }');
  expect((await shop.bundle()).warnings).toEqual([]);
});
