"""A program with autologging, as its user has written it."""
import mlflow

mlflow.set_experiment("sk")
mlflow.sklearn.autolog()

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, train_test_split

x, y = load_iris(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, random_state=0)
model = LogisticRegression(C=0.5, max_iter=400).fit(x_train, y_train)
model.score(x_val, y_val)  # logged to a run that has ended
accuracy_score(y_val, model.predict(x_val))
GridSearchCV(LogisticRegression(max_iter=400), {"C": [0.01, 2.5]}, cv=2).fit(x_train, y_train)

for r in mlflow.search_runs(experiment_names=["sk"], output_format="list"):
    for name, value in r.data.metrics.items():
        print(r.info.run_id, name, value.hex(), r.info.status, r.data.params.get("C", "-"))
