"""Lightning with autologging, and a loop of one's own."""
import lightning
import mlflow
import torch

mlflow.set_experiment("torch")
mlflow.pytorch.autolog(log_models=False)


class Line(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, _):
        x, y = batch
        loss = ((self.layer(x) - y) ** 2).mean()
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_loss", ((self.layer(x) - y) ** 2).mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


torch.manual_seed(0)
x = torch.linspace(-1, 1, 32).reshape(-1, 1)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, 2 * x + 1), batch_size=8)
trainer = lightning.Trainer(max_epochs=5, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu")
trainer.fit(Line(), data, data)

with mlflow.start_run(run_name="loop"):
    mlflow.log_params({"lr": 0.05, "momentum": 0.9})
    layer = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, 6):
        loss = ((layer(x) - 2 * x - 1) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mlflow.log_metric("val_loss", loss.item(), step=epoch)
mlflow.flush_async_logging()

client = mlflow.MlflowClient()
for r in mlflow.search_runs(experiment_names=["torch"], output_format="list"):
    for name in r.data.metrics:
        for m in client.get_metric_history(r.info.run_id, name):
            print(r.info.run_id, name, m.step, m.value.hex())
